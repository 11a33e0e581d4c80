package dev.gatun.runtime.op;

import org.jspecify.annotations.Nullable;

/**
 * The device that was asked for cannot be used here; the message says what was looked for and how
 * to get it.
 */
public final class BackendUnavailableException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public BackendUnavailableException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
