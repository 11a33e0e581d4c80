#!/bin/sh
# build.sh OUT: makes the emulated CUDA libraries in the folder OUT, which is what gatun.library.path
# names: NVRTC and the kernels, the driver, cuBLASLt and cuDNN. What is newer than its sources stays.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
sh "$here/build-kernels.sh" "$here/../../main/resources/dev/gatun/runtime/cuda" "$1"
out=$(cd "$1" && pwd)
flags="-std=c++17 -O2 -g1 -fPIC -fvisibility=hidden -Wall -Wextra -Wno-missing-field-initializers"

# library FILE SOURCE NEEDED...: links SOURCE to FILE, with the libraries NEEDED of the same folder.
library() {
  file=$1
  source=$2
  shift 2
  [ -e "$out/$file" ] && [ -z "$(find "$here" "$out/libkernels.so" -newer "$out/$file" | head -n 1)" ] && return
  # shellcheck disable=SC2086 # flags is a list
  g++ $flags -shared "-Wl,-soname,$file" -Wl,-z,defs "-Wl,-rpath,\$ORIGIN" -o "$out/$file.new" \
    "$here/$source" "-L$out" "$@"
  mv "$out/$file.new" "$out/$file"
}

library libcuda.so.1 driver.cpp -l:libkernels.so
library libnvtx3interop.so.1 nvtx.cpp
library libcublasLt.so.13 cublaslt.cpp -l:libcuda.so.1
library libcublas.so.13 cublas.cpp
library libcudnn.so.9 cudnn.cpp -l:libcuda.so.1
# What the loader looks for beside cuDNN's main file.
for part in graph ops cnn adv heuristic engines_precompiled engines_runtime_compiled; do
  [ -e "$out/libcudnn_$part.so.9" ] || : >"$out/libcudnn_$part.so.9"
done
