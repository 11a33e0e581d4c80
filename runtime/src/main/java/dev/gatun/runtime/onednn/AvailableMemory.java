package dev.gatun.runtime.onednn;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;
import java.util.stream.Stream;

/** What Linux can still give to this process without swapping. */
final class AvailableMemory {
  private AvailableMemory() {}

  /** The machine's available memory, within the limit of the control group; empty elsewhere. */
  static OptionalLong bytes() {
    return bytes(Path.of("/proc/meminfo"), Path.of("/sys/fs/cgroup"));
  }

  static OptionalLong bytes(Path meminfo, Path group) {
    OptionalLong kibibytes = field(meminfo, "MemAvailable:");
    if (kibibytes.isEmpty()) {
      return OptionalLong.empty();
    }
    long available = kibibytes.getAsLong() << 10;
    OptionalLong limit = field(group.resolve("memory.max"), "");
    OptionalLong used = field(group.resolve("memory.current"), "");
    if (limit.isPresent() && used.isPresent()) {
      // Cached files count as used, and make room when it is needed.
      long cached = field(group.resolve("memory.stat"), "inactive_file").orElse(0);
      available = Math.min(available, limit.getAsLong() - used.getAsLong() + cached);
    }
    return OptionalLong.of(Math.max(available, 0));
  }

  /** The number of the first line {@code name number}; empty where there is none. */
  private static OptionalLong field(Path file, String name) {
    try (Stream<String> lines = Files.lines(file)) {
      return lines
          .filter(line -> line.startsWith(name))
          .map(line -> line.substring(name.length()).strip().split(" ", -1)[0])
          .filter(number -> number.matches("\\d{1,18}")) // not "max"
          .mapToLong(Long::parseLong)
          .findFirst();
    } catch (IOException | UncheckedIOException e) {
      return OptionalLong.empty();
    }
  }
}
