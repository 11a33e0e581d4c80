package dev.gatun.runtime.onednn;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class AvailableMemoryTest {
  @TempDir private Path folder;

  private OptionalLong bytes() {
    return AvailableMemory.bytes(folder.resolve("meminfo"), folder);
  }

  @Test
  void isTheMachinesWithinTheGroups() throws IOException {
    assertEquals(OptionalLong.empty(), bytes());
    Files.writeString(
        folder.resolve("meminfo"),
        "MemTotal:       24000000 kB\nMemFree:  1000 kB\nMemAvailable:   20000000 kB\n");
    assertEquals(OptionalLong.of(20_000_000L << 10), bytes());

    Files.writeString(folder.resolve("memory.max"), "max\n");
    Files.writeString(folder.resolve("memory.current"), "3000000\n");
    assertEquals(OptionalLong.of(20_000_000L << 10), bytes());

    Files.writeString(folder.resolve("memory.max"), "5000000\n");
    assertEquals(OptionalLong.of(2_000_000), bytes());
    Files.writeString(folder.resolve("memory.stat"), "anon 1\ninactive_file 700000\n");
    assertEquals(OptionalLong.of(2_700_000), bytes());

    Files.writeString(folder.resolve("memory.current"), "9000000\n");
    assertEquals(OptionalLong.of(0), bytes());
  }

  @Test
  void thisMachineHasSome() {
    assumeTrue(Files.exists(Path.of("/proc/meminfo")), "skipped: not a Linux");
    assertTrue(AvailableMemory.bytes().orElseThrow() > 0);
  }
}
