package dev.gatun.runtime.cuda.cudnn;

/**
 * A call of cuDNN failed, or cuDNN has no engine for what is asked; the message names the call, the
 * status, its cause and the next step.
 */
public final class CudnnException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final int status;

  CudnnException(String message, int status) {
    super(message);
    this.status = status;
  }

  /** The cudnnStatus_t. */
  public int status() {
    return status;
  }

  /** Whether cuDNN says of what was described that it cannot compute it: status 3000 to 3999. */
  public boolean isNotSupported() {
    return status / CudnnStatus.CLASS == CudnnStatus.NOT_SUPPORTED;
  }
}
