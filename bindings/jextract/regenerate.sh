#!/usr/bin/env bash
# Regenerates every generated package of this module, and records how:
#   <lib>/includes.txt   the symbols that the library's own headers declare
#   <lib>/headers.sha256 those headers
#   versions.txt         jextract's version and each library's header version
#   checksums.sha256     of every generated file
# The same headers and jextract give the same bytes.
set -euo pipefail
export LC_ALL=C

usage() {
  cat >&2 <<'USAGE'
usage: regenerate.sh --jextract PATH --headers-onednn DIR --headers-cuda DIR --headers-cublas DIR
                     --headers-nvrtc DIR --headers-cudnn DIR --headers-nccl DIR
  --headers-onednn  holds oneapi/dnnl/dnnl.h  (include/ in the jar org.bytedeco:dnnl:<version>:linux-x86_64)
  --headers-cuda    holds cuda.h and cuda_runtime_api.h      (/usr/local/cuda/include)
  --headers-cublas  holds cublas_v2.h and cublasLt.h         (site-packages/nvidia/cu13/include)
  --headers-nvrtc   holds nvrtc.h                            (site-packages/nvidia/cu13/include)
  --headers-cudnn   holds cudnn.h                            (site-packages/nvidia/cudnn/include)
  --headers-nccl    holds nccl.h                             (site-packages/nvidia/nccl/include)
USAGE
  exit 2
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
java_root=$(cd "$here/../src/main/java" && pwd)
package_root=dev/gatun/bindings
jextract= onednn= cuda= cublas= nvrtc= cudnn= nccl=
while (($#)); do
  (($# >= 2)) || usage
  case $1 in
    --jextract) jextract=$2 ;;
    --headers-onednn) onednn=$2 ;;
    --headers-cuda) cuda=$2 ;;
    --headers-cublas) cublas=$2 ;;
    --headers-nvrtc) nvrtc=$2 ;;
    --headers-cudnn) cudnn=$2 ;;
    --headers-nccl) nccl=$2 ;;
    *) usage ;;
  esac
  shift 2
done
[[ -n $jextract ]] || usage

# One class a library: nothing but that class is ever imported.
export JEXTRACT_JAVA_OPTIONS="${JEXTRACT_JAVA_OPTIONS:-} -Djextract.decls.per.header=1000000"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# generate LIB CLASS OWN-HEADERS INCLUDE-DIR...   (OWN-HEADERS: extended regular expression on the end of a path)
generate() {
  local lib=$1 class=$2 own=$3 dir
  shift 3
  local flags=()
  for dir; do
    [[ -d $dir ]] || { echo "regenerate.sh: $lib: no header folder '$dir'" >&2; usage; }
    flags+=(-I "$dir")
  done
  # The dump groups symbols under the header that declares them: keep the own headers' and drop the paths.
  "$jextract" "${flags[@]}" --dump-includes "$work/$lib.dump" "$here/$lib/umbrella.h" 2>"$work/$lib.log" \
      || { cat "$work/$lib.log" >&2; exit 1; }
  grep -E "# header: .*/($own)\$" "$work/$lib.dump" | sed -E 's/ *# header:.*//' \
      | sort -u >"$here/$lib/includes.txt"
  # The same headers, relative to the first folder, which is the library's own.
  sed -nE "s@.*# header: $(realpath "$1")/((.*/)?($own))\$@\1@p" "$work/$lib.dump" | sort -u \
      | (cd "$1" && xargs sha256sum) >"$here/$lib/headers.sha256"
  mkdir -p "$work/out"
  "$jextract" "${flags[@]}" --output "$work/out" --target-package "dev.gatun.bindings.$lib" \
      --header-class-name "$class" "@$here/$lib/includes.txt" "$here/$lib/umbrella.h" 2>"$work/$lib.log" \
      || { cat "$work/$lib.log" >&2; exit 1; }
  rm -rf "${java_root:?}/$package_root/$lib"
  mkdir -p "$java_root/$package_root"
  mv "$work/out/$package_root/$lib" "$java_root/$package_root/$lib"
  echo "$lib: $(wc -l <"$here/$lib/includes.txt") symbols," \
      "$(find "$java_root/$package_root/$lib" -name '*.java' | wc -l) files"
}

# define HEADER NAME: the value of #define NAME
define() {
  sed -nE "s/^[ \t]*#[ \t]*define[ \t]+$2[ \t]+([0-9A-Za-z_.]+).*/\1/p" "$1" | head -n 1
}

# toolkit VERSION: 13020 as 13.2
toolkit() {
  echo "$(($1 / 1000)).$(($1 % 1000 / 10))"
}

generate onednn OneDnn 'oneapi/dnnl/dnnl[a-z_]*\.h' "$onednn"
generate cuda Cuda 'cuda\.h|cudaProfiler\.h' "$cuda"
generate cudart CudaRuntime \
    'cuda_runtime_api\.h|cuda_profiler_api\.h|(driver|vector|library|texture|surface)_types\.h' "$cuda"
generate cublas Cublas 'cublas_api\.h|cublas_v2\.h|cublasXt\.h' "$cublas" "$cuda"
generate cublaslt CublasLt 'cublasLt\.h' "$cublas" "$cuda"
generate cudnn Cudnn 'cudnn[a-z0-9_]*\.h' "$cudnn" "$cuda"
generate nvrtc Nvrtc 'nvrtc\.h' "$nvrtc" "$cuda"
generate nccl Nccl 'nccl\.h' "$nccl" "$cuda"

dnnl=$onednn/oneapi/dnnl/dnnl_version.h
api=$cublas/cublas_api.h
{
  echo "jextract: $("$jextract" --version 2>&1 | paste -sd';' | sed 's/;/; /g')"
  echo "onednn: $(define "$dnnl" DNNL_VERSION_MAJOR).$(define "$dnnl" DNNL_VERSION_MINOR).$(define "$dnnl" DNNL_VERSION_PATCH)"
  echo "cuda: $(toolkit "$(define "$cuda/cuda.h" CUDA_VERSION)")"
  echo "cudart: $(toolkit "$(define "$cuda/cuda_runtime_api.h" CUDART_VERSION)")"
  for lib in cublas cublaslt; do
    echo "$lib: $(define "$api" CUBLAS_VER_MAJOR).$(define "$api" CUBLAS_VER_MINOR).$(define "$api" CUBLAS_VER_PATCH).$(define "$api" CUBLAS_VER_BUILD)"
  done
  echo "cudnn: $(define "$cudnn/cudnn_version.h" CUDNN_MAJOR).$(define "$cudnn/cudnn_version.h" CUDNN_MINOR).$(define "$cudnn/cudnn_version.h" CUDNN_PATCHLEVEL)"
  echo "nvrtc: not in its header, see nvrtc/headers.sha256"
  echo "nccl: $(define "$nccl/nccl.h" NCCL_MAJOR).$(define "$nccl/nccl.h" NCCL_MINOR).$(define "$nccl/nccl.h" NCCL_PATCH)"
} >"$here/versions.txt"

libs=(cublas cublaslt cuda cudart cudnn nccl nvrtc onednn)
(cd "$java_root" && find "${libs[@]/#/$package_root/}" -type f -print0 | sort -z | xargs -0 sha256sum) >"$here/checksums.sha256"
