/* cuBLAS (the handle-based v2 interface) and cuBLASXt, both in libcublas.so.13. */
#include <cublas_v2.h>
#include <cublasXt.h>
