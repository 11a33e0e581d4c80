package dev.gatun.runtime.cuda.cudnn;

import static dev.gatun.bindings.cudnn.Cudnn.*;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Makes cuDNN's status codes exceptions. */
final class CudnnStatus {
  /** A status is its class (1 not initialized, 2 bad parameter, ...) times this, plus a detail. */
  static final int CLASS = 1000;

  static final int NOT_SUPPORTED = 3;
  private static final int NOT_INITIALIZED = 1;
  private static final int INTERNAL_ERROR = 4;
  private static final int EXECUTION_FAILED = 5;
  private static final int MESSAGE_BYTES = 2048;

  private CudnnStatus() {}

  /** Throws where {@code status}, the result of {@code call}, is not success. */
  static void check(int status, String call) {
    if (status != CUDNN_STATUS_SUCCESS()) {
      throw exception(status, call);
    }
  }

  /** What to throw where {@code call} returned {@code status}. */
  static CudnnException exception(int status, String call) {
    String cause = lastError();
    return new CudnnException(
        "cuDNN: %s returned %s (%d)%s; %s"
            .formatted(
                call,
                cudnnGetErrorString(status).reinterpret(Long.MAX_VALUE).getString(0),
                status,
                cause.isEmpty() ? "" : ": " + cause,
                nextStep(status)),
        status);
  }

  /** cuDNN's own words about the last failed call of this thread. */
  private static String lastError() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment text = arena.allocate(MESSAGE_BYTES);
      cudnnGetLastErrorString(text, MESSAGE_BYTES);
      return text.getString(0).strip();
    }
  }

  private static String nextStep(int status) {
    return switch (status / CLASS) {
      case NOT_INITIALIZED ->
          "the GPU or one of cuDNN's libraries is not usable: gatun info says which are found";
      case NOT_SUPPORTED ->
          "this cuDNN cannot compute it on this GPU: a newer one may (pip install --upgrade"
              + " nvidia-cudnn-cu13)";
      case INTERNAL_ERROR, EXECUTION_FAILED ->
          "set CUDNN_LOGLEVEL_DBG=2 and CUDNN_LOGDEST_DBG=stderr to see why; nvidia-smi says"
              + " whether memory is short; where it is always the same plan, delete the cache's"
              + " folder plans";
      default ->
          "please report it with the output of gatun info, and of the same run with"
              + " CUDNN_LOGLEVEL_DBG=2 and CUDNN_LOGDEST_DBG=stderr";
    };
  }
}
