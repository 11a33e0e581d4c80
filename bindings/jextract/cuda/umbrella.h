/* The CUDA driver: libcuda.so.1. Graphics interoperation (GL, EGL, VDPAU) is left out. */
#include <cuda.h>
#include <cudaProfiler.h>
