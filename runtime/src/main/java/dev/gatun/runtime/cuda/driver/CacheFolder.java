package dev.gatun.runtime.cuda.driver;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Files that save time and can be made again, in a folder of their own below the system property
 * {@code gatun.cache}, else the environment's GATUN_CACHE, else XDG_CACHE_HOME/gatun, else
 * ~/.cache/gatun.
 *
 * <p>A file is its content behind the content's SHA-256, and is renamed into its place when whole:
 * processes may share the folder, and what a crash or a full disk left behind is not read.
 */
public final class CacheFolder {
  private static final System.Logger LOG = System.getLogger(CacheFolder.class.getName());
  private static final int DIGEST_BYTES = 32;

  private final Path folder;
  private boolean writable = true;

  /** Files in {@code folder}, which is made when the first is written. */
  public CacheFolder(Path folder) {
    this.folder = folder;
  }

  /** The folder {@code name} below the one that the settings say. */
  public static CacheFolder named(String name) {
    String setting = System.getProperty("gatun.cache", System.getenv("GATUN_CACHE"));
    if (setting != null && !setting.isBlank()) {
      return new CacheFolder(Path.of(setting).resolve(name));
    }
    String xdg = System.getenv("XDG_CACHE_HOME");
    Path caches =
        xdg != null && Path.of(xdg).isAbsolute()
            ? Path.of(xdg)
            : Path.of(System.getProperty("user.home", "."), ".cache");
    return new CacheFolder(caches.resolve("gatun").resolve(name));
  }

  public Path folder() {
    return folder;
  }

  /** What {@link #write} wrote under {@code name}; null where nothing whole is there. */
  public byte @Nullable [] read(String name) {
    Path file = folder.resolve(name);
    try {
      byte[] bytes = Files.readAllBytes(file);
      if (bytes.length > DIGEST_BYTES) {
        byte[] content = Arrays.copyOfRange(bytes, DIGEST_BYTES, bytes.length);
        if (Arrays.equals(sha256(content), Arrays.copyOf(bytes, DIGEST_BYTES))) {
          return content;
        }
      }
      LOG.log(System.Logger.Level.WARNING, "{0} is damaged and is made again", file);
    } catch (NoSuchFileException e) {
      // not made yet
    } catch (IOException e) {
      LOG.log(System.Logger.Level.WARNING, "{0} cannot be read and is made again: {1}", file, e);
    }
    return null;
  }

  /** Keeps {@code content}; where the folder does not let it, says so once and goes on without. */
  public void write(String name, byte[] content) {
    if (!writable) {
      return;
    }
    try {
      Files.createDirectories(folder);
      Path part = Files.createTempFile(folder, name, ".part");
      try {
        byte[] bytes = Arrays.copyOf(sha256(content), DIGEST_BYTES + content.length);
        System.arraycopy(content, 0, bytes, DIGEST_BYTES, content.length);
        Files.write(part, bytes);
        Files.move(part, folder.resolve(name), StandardCopyOption.ATOMIC_MOVE);
      } finally {
        Files.deleteIfExists(part);
      }
    } catch (IOException e) {
      writable = false;
      LOG.log(
          System.Logger.Level.WARNING,
          "{0} cannot be written, the next start is as slow as this one: {1};"
              + " set gatun.cache (GATUN_CACHE) to another folder",
          folder,
          e);
    }
  }

  /** SHA-256 of {@code content}, 32 bytes. */
  public static byte[] sha256(byte[] content) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(content);
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e); // every JVM has it
    }
  }
}
