package dev.gatun.runtime.onednn;

/** A oneDNN call failed; the message names the call, the status and what it was for. */
public final class OneDnnException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  OneDnnException(String message) {
    super(message);
  }
}
