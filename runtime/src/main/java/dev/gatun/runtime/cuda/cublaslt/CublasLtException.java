package dev.gatun.runtime.cuda.cublaslt;

/** A call of cuBLASLt failed; the message names the call, the status and the next step. */
public final class CublasLtException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final int status;

  CublasLtException(String message, int status) {
    super(message);
    this.status = status;
  }

  /** The cublasStatus_t. */
  public int status() {
    return status;
  }
}
