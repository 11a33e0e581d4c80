package dev.gatun.examples.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.runtime.memory.DeviceArena;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/**
 * What a command line did.
 *
 * @param status its exit status
 * @param out its standard output
 * @param err its standard error
 */
record Cli(int status, String out, String err) {

  /** Runs a command line in this JVM. */
  static Cli run(Object... args) {
    PrintStream out = System.out;
    PrintStream err = System.err;
    var capturedOut = new ByteArrayOutputStream();
    var capturedErr = new ByteArrayOutputStream();
    System.setOut(new PrintStream(capturedOut, true, StandardCharsets.UTF_8));
    System.setErr(new PrintStream(capturedErr, true, StandardCharsets.UTF_8));
    int status;
    try {
      status =
          Gatun.commandLine()
              .execute(Arrays.stream(args).map(Object::toString).toArray(String[]::new));
    } finally {
      System.setOut(out);
      System.setErr(err);
    }
    assertEquals(0, DeviceArena.openArenas(), "arenas left open");
    return new Cli(
        status,
        capturedOut.toString(StandardCharsets.UTF_8),
        capturedErr.toString(StandardCharsets.UTF_8));
  }

  /** It failed with status 1, and its last line, the only one for people, says all of this. */
  void assertFails(Object... hints) {
    assertEquals(1, status, err);
    List<String> lines = err.strip().lines().toList();
    String last = lines.getLast();
    assertTrue(last.startsWith("gatun: "), err);
    assertEquals(1, lines.stream().filter(line -> line.startsWith("gatun: ")).count(), err);
    assertFalse(err.matches("(?s).*(Exception|\\tat |dev\\.gatun\\.).*"), err);
    for (Object hint : hints) {
      assertTrue(last.contains(hint.toString()), () -> last + "\n  lacks: " + hint);
    }
  }

  /** It was refused with status 2 and says why, and where to read on. */
  void assertUsage(String hint) {
    assertEquals(2, status, err);
    assertTrue(err.contains(hint), err);
    assertTrue(err.contains("--help"), err);
    assertFalse(err.contains("Exception"), err);
    assertTrue(err.lines().count() <= 3, err);
  }

  static Path digits() {
    return Path.of("src/main/resources/dev/gatun/examples/mnist/digits-images-idx3-ubyte.gz");
  }
}
