// libcublas.so.13, which is loaded beside cuDNN: all that is asked of it is its version. It exports nothing of cuBLASLt's,
// as a symbol is looked up in every library that was loaded.

extern "C" __attribute__((visibility("default"))) int cublasGetProperty(int property, int* value) {
  const int version[] = {13, 1, 1};
  *value = version[property];
  return 0;
}
