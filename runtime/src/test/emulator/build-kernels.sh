#!/bin/sh
# build-kernels.sh KERNELS OUT: compiles every .cu file of the folder KERNELS for this processor and
# links them with the emulator to OUT/libkernels.so and OUT/libnvrtc.so.13. What is newer than its
# sources stays as it is.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
kernels=$(cd "$1" && pwd)
mkdir -p "$2"
out=$(cd "$2" && pwd)
flags="-std=c++17 -O2 -g1 -fPIC -fvisibility=hidden -ffp-contract=off -fno-strict-aliasing
  -march=native -Wall -Wno-unknown-pragmas -Wno-sign-compare -Wno-unused-function -I$kernels"

# newer FILE SOURCE...: whether FILE is there and no SOURCE is newer.
newer() {
  file=$1
  shift
  [ -e "$file" ] || return 1
  for source; do
    [ "$source" -nt "$file" ] && return 1
  done
  return 0
}

# compile SOURCE OBJECT: under another name first, so that a broken-off run leaves no half.
compile() {
  g++ $flags -c "$1" -o "$2.new"
  mv "$2.new" "$2"
}

objects=
waiting=
for cu in "$kernels"/*.cu; do
  name=$(basename "$cu" .cu)
  object=$out/$name.o
  objects="$objects $object"
  if newer "$object" "$cu" "$kernels"/*.cuh "$here/simt.hpp" "$0"; then
    continue
  fi
  entries=$(g++ -std=c++17 -E -P -x c++ -DSIMT_LIST -include "$here/simt.hpp" -I"$kernels" "$cu" |
    tr -s '\n ' '  ' | grep -o 'extern "C" __global__ void [A-Za-z0-9_]*' | sed 's/.* //')
  if [ -z "$entries" ]; then
    echo "$cu has no entry point: expected extern \"C\" __global__ void name(...)" >&2
    exit 1
  fi
  {
    echo "#include \"$here/simt.hpp\""
    echo "#include \"$cu\""
    for entry in $entries; do
      echo "SIMT_KERNEL($entry)"
    done
  } >"$out/$name.cpp"
  compile "$out/$name.cpp" "$object" &
  waiting="$waiting $!"
  set -- $waiting
  if [ $# -ge 2 ]; then
    wait "$1"
    shift
    waiting=$*
  fi
done
for process in $waiting; do
  wait "$process"
done
newer "$out/simt.o" "$here/simt.cpp" "$here/simt.hpp" "$0" || compile "$here/simt.cpp" "$out/simt.o"
if ! newer "$out/libkernels.so" $objects "$out/simt.o"; then
  g++ -shared -Wl,-soname,libkernels.so -o "$out/libkernels.so" $objects "$out/simt.o"
fi
if ! newer "$out/libnvrtc.so.13" "$here/nvrtc.cpp" "$0"; then
  g++ $flags -shared -Wl,-soname,libnvrtc.so.13 -o "$out/libnvrtc.so.13" "$here/nvrtc.cpp"
fi
