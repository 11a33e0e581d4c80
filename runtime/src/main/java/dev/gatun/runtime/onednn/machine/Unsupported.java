package dev.gatun.runtime.onednn.machine;

/** A kernel does what the {@link Translator} has no instructions for. */
final class Unsupported extends RuntimeException {
  private static final long serialVersionUID = 1;

  Unsupported(String message) {
    super(message);
  }
}
