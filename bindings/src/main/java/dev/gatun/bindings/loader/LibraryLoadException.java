package dev.gatun.bindings.loader;

import org.jspecify.annotations.Nullable;

/** A shared library was found but cannot be used; the message says which, why, and what to do. */
public class LibraryLoadException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public LibraryLoadException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
