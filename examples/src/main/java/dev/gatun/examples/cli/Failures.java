package dev.gatun.examples.cli;

import dev.gatun.bindings.loader.LibraryNotFoundException;
import dev.gatun.bindings.loader.SearchResult;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.util.Objects;

/** What went wrong, in one line for people. */
final class Failures {
  private Failures() {}

  /** One line without class names; what only a bug can cause says so. */
  static String oneLine(Throwable failure) {
    return flat(
        switch (failure) {
          case UncheckedIOException e when e.getCause() instanceof IOException cause ->
              oneLine(cause);
          case NoSuchFileException e -> e.getFile() + ": no such file or folder: check the path";
          case NotDirectoryException e -> e.getFile() + ": is not a folder";
          case AccessDeniedException e ->
              e.getFile() + ": may not be read or written: check its permissions";
          case FileSystemException e when e.getReason() != null ->
              e.getFile() == null ? e.getReason() : e.getFile() + ": " + e.getReason();
          case LibraryNotFoundException e -> brief(e.missing());
          case OutOfMemoryError e ->
              "the Java heap is full (%,d MiB): use a smaller batch or fewer images, or a larger heap (GATUN_JAVA_OPTS=-Xmx4g)"
                  .formatted(Runtime.getRuntime().maxMemory() >> 20);
          default -> isExplained(failure) ? shortened(failure) : bug(failure);
        });
  }

  /** The message without the places where a library was looked for. */
  private static String shortened(Throwable failure) {
    String message = message(failure);
    for (Throwable e = failure; e != null; e = e.getCause()) {
      if (e instanceof LibraryNotFoundException notFound) {
        SearchResult.Missing missing = notFound.missing();
        message = message.replace(missing.explanation(), brief(missing));
      }
    }
    return message;
  }

  private static String brief(SearchResult.Missing missing) {
    return "%s (%s) was not found: %s; ./gatun info --verbose lists every place tried"
        .formatted(missing.library(), missing.fileName(), missing.remedy());
  }

  /** Whether the message was written for people. */
  private static boolean isExplained(Throwable failure) {
    return !message(failure).isBlank()
        && (failure instanceof IOException
            || failure.getClass() == IllegalArgumentException.class
            || failure.getClass() == IllegalStateException.class
            || failure.getClass().getName().startsWith("dev.gatun."));
  }

  private static String bug(Throwable failure) {
    return "internal error, %s%s: run it again with --verbose and report what it prints"
        .formatted(
            failure.getClass().getSimpleName(),
            message(failure).isBlank() ? "" : " (" + message(failure) + ")");
  }

  private static String message(Throwable failure) {
    return Objects.requireNonNullElse(failure.getMessage(), "");
  }

  private static String flat(String text) {
    return text.strip().replaceAll("\\s*\\R\\s*", " ");
  }
}
