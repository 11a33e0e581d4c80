package dev.gatun.bindings;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Map;
import java.util.TreeMap;

/** Files in sha256sum's format. */
final class Checksums {
  private Checksums() {}

  /** File name to checksum, sorted by name. */
  static Map<String, String> read(Path list) throws IOException {
    Map<String, String> checksums = new TreeMap<>();
    for (String line : Files.readAllLines(list)) {
      checksums.put(line.substring(66), line.substring(0, 64));
    }
    return checksums;
  }

  static String of(Path file) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      return HexFormat.of().formatHex(digest.digest(Files.readAllBytes(file)));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }
}
