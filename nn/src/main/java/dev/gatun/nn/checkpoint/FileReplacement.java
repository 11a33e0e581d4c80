package dev.gatun.nn.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;

/**
 * Writes a file as a whole or not at all: beside its place, flushed to the disk, then renamed, so
 * that whoever reads finds the old file or the new one.
 *
 * <p>When anything fails, a full disk for one, the old file stays and the part that was written is
 * removed.
 */
public final class FileReplacement {

  /** What the file shall hold. */
  @FunctionalInterface
  public interface Content {
    /** Writes all of it to the empty file {@code out}. */
    void write(FileChannel out) throws IOException;
  }

  private FileReplacement() {}

  /**
   * Writes {@code file}, in the place of one that may be there; its folder must exist.
   *
   * @throws IOException that names the file and says why
   */
  public static void write(Path file, Content content) throws IOException {
    Path partial = file.resolveSibling(file.getFileName() + ".partial");
    try {
      try (FileChannel out =
          FileChannel.open(
              partial,
              StandardOpenOption.CREATE,
              StandardOpenOption.TRUNCATE_EXISTING,
              StandardOpenOption.WRITE)) {
        content.write(out);
        out.force(true);
      }
      Files.move(
          partial, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException | RuntimeException | Error e) {
      try {
        Files.deleteIfExists(partial);
      } catch (IOException suppressed) {
        e.addSuppressed(suppressed);
      }
      if (e instanceof IOException failure) {
        throw explained(file, failure);
      }
      throw e;
    }
    flushFolder(file.toAbsolutePath().getParent());
  }

  /** As {@link #write(Path, Content)}, of all that {@code bytes} have left. */
  public static void write(Path file, ByteBuffer bytes) throws IOException {
    write(file, out -> writeAll(out, bytes));
  }

  /** As {@link #write(Path, Content)}, of {@code text} in UTF-8. */
  public static void write(Path file, String text) throws IOException {
    write(file, ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)));
  }

  static void writeAll(FileChannel out, ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      out.write(bytes);
    }
  }

  private static IOException explained(Path file, IOException e) {
    String reason =
        switch (e) {
          case AccessDeniedException _ -> "permission denied";
          case NoSuchFileException _ -> "its folder does not exist";
          case FileSystemException f when f.getReason() != null -> f.getReason();
          default -> String.valueOf(e.getMessage());
        };
    return new IOException(
        "%s: cannot be written (%s): check the free space and permissions of %s"
            .formatted(file, reason, file.toAbsolutePath().getParent()),
        e);
  }

  /** Makes the rename itself durable, where the system can open folders. */
  private static void flushFolder(@Nullable Path folder) {
    if (folder == null) {
      return;
    }
    try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
      channel.force(true);
    } catch (IOException e) {
      // Windows: the rename is journalled by the file system
    }
  }
}
