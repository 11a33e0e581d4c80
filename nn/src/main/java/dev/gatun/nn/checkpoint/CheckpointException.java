package dev.gatun.nn.checkpoint;

import java.io.IOException;

/**
 * A file that is not what it should be: malformed, or of another network. The message names the
 * file.
 */
public final class CheckpointException extends IOException {
  private static final long serialVersionUID = 1L;

  public CheckpointException(String message) {
    super(message);
  }
}
