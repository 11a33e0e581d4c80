package dev.gatun.runtime.cuda.cublaslt;

import static dev.gatun.bindings.cublas.Cublas.*;

import dev.gatun.bindings.cublaslt.CublasLt;
import java.lang.foreign.MemorySegment;

/** Makes cuBLASLt's status codes exceptions. */
final class CublasLtStatus {
  private CublasLtStatus() {}

  /** Throws where {@code status}, the result of {@code call}, is not success. */
  static void check(int status, String call) {
    if (status != CUBLAS_STATUS_SUCCESS()) {
      throw new CublasLtException(
          "cuBLASLt: %s returned %s (%d): %s; %s"
              .formatted(
                  call,
                  text(CublasLt.cublasLtGetStatusName(status)),
                  status,
                  text(CublasLt.cublasLtGetStatusString(status)),
                  nextStep(status)),
          status);
    }
  }

  private static String text(MemorySegment pointer) {
    return pointer.equals(MemorySegment.NULL)
        ? "unknown"
        : pointer.reinterpret(Long.MAX_VALUE).getString(0);
  }

  private static String nextStep(int status) {
    if (status == CUBLAS_STATUS_NOT_INITIALIZED()) {
      return "the GPU is not usable or has no memory left: nvidia-smi may say why";
    }
    if (status == CUBLAS_STATUS_ARCH_MISMATCH() || status == CUBLAS_STATUS_NOT_SUPPORTED()) {
      return "this cuBLASLt cannot compute it on this GPU: a newer one may (pip install --upgrade"
          + " nvidia-cublas)";
    }
    return "please report it with the output of gatun info, and of the same run with"
        + " CUBLASLT_LOG_LEVEL=2";
  }
}
