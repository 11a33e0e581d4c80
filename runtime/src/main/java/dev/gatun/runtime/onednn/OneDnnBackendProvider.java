package dev.gatun.runtime.onednn;

import dev.gatun.bindings.loader.LibraryLoadException;
import dev.gatun.runtime.op.Backend;
import dev.gatun.runtime.op.BackendProvider;
import dev.gatun.runtime.op.BackendUnavailableException;

/**
 * Makes {@code "cpu"} known. It has a thread for each processor that the JVM may use, or as many as
 * the system property {@code gatun.threads} or the environment variable {@code GATUN_THREADS} says.
 */
public final class OneDnnBackendProvider implements BackendProvider {

  @Override
  public String kind() {
    return "cpu";
  }

  @Override
  public boolean isAvailable() {
    return true;
  }

  @Override
  public int priority() {
    return 0;
  }

  /** Deterministic in any case. */
  @Override
  public Backend open(int index, boolean deterministic) {
    if (index != 0) {
      throw new BackendUnavailableException(
          "device cpu:" + index + ": there is one CPU, it is called cpu", null);
    }
    try {
      return new OneDnnBackend(threads());
    } catch (LibraryLoadException e) {
      throw new BackendUnavailableException("device cpu: " + e.getMessage(), e);
    }
  }

  private static int threads() {
    String asked = System.getProperty("gatun.threads", System.getenv("GATUN_THREADS"));
    if (asked == null) {
      return Runtime.getRuntime().availableProcessors();
    }
    try {
      int threads = Integer.parseInt(asked);
      if (threads >= 1) {
        return threads;
      }
    } catch (NumberFormatException e) {
      // said below
    }
    throw new BackendUnavailableException(
        "device cpu: gatun.threads or GATUN_THREADS: expected a number of 1 or more, got " + asked,
        null);
  }
}
