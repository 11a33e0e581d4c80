/* The CUDA runtime: libcudart.so.13, with the types that the other libraries share. */
#include <cuda_runtime_api.h>
#include <cuda_profiler_api.h>
#include <library_types.h>
