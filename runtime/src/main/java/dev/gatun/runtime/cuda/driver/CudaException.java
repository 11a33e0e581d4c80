package dev.gatun.runtime.cuda.driver;

/** A call of CUDA failed; the message names the call, the code, its meaning and the next step. */
public final class CudaException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final int status;
  private final boolean contextLost;

  CudaException(String message, int status, boolean contextLost) {
    super(message);
    this.status = status;
    this.contextLost = contextLost;
  }

  /** The code, a CUresult or nvrtcResult. */
  public int status() {
    return status;
  }

  /** Whether every later call of this process on the device will fail with the same code. */
  public boolean isContextLost() {
    return contextLost;
  }
}
