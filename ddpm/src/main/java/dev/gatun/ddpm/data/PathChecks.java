package dev.gatun.ddpm.data;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Says in words what is wrong with a path before it is read. */
final class PathChecks {
  private PathChecks() {}

  static void requireExists(Path path) throws IOException {
    if (!Files.exists(path)) {
      throw new IOException(
          "%s: no such file or folder: check the path (looked for %s)"
              .formatted(path, path.toAbsolutePath()));
    }
  }

  static void requireReadableFile(Path file) throws IOException {
    requireExists(file);
    if (Files.isDirectory(file)) {
      throw new IOException(file + ": is a folder, expected a file");
    }
    requireReadable(file);
  }

  static void requireReadable(Path path) throws IOException {
    if (!Files.isReadable(path)) {
      throw new IOException(path + ": may not be read: check its permissions");
    }
  }
}
