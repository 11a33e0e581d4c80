/* cuBLASLt: libcublasLt.so.13. */
#include <cublasLt.h>
