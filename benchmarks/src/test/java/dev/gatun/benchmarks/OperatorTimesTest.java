package dev.gatun.benchmarks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.runtime.memory.CountingMemory;
import dev.gatun.runtime.memory.DeviceArena;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The tables of a profile, of given times. */
class OperatorTimesTest {
  private final OperatorTimes times = new OperatorTimes();

  /** Two steps with a product of 1,000 operations and 800 bytes in each, and a copy. */
  private void gather() {
    try (var arena = new DeviceArena(new CountingMemory(), "test")) {
      Tensor x = Tensor.allocate(arena, DType.FLOAT32, Shape.of(10, 10));
      Tensor weight = Tensor.allocate(arena, DType.FLOAT32, Shape.of(5, 10));
      Tensor y = Tensor.allocate(arena, DType.FLOAT32, Shape.of(10, 5));
      times.add("MatrixProduct.linear", new Object[] {x, weight, null, y}, 40);
      times.add("MatrixProduct.linear", new Object[] {x, weight, null, y}, 60);
      times.add("Elementwise.copy", new Object[] {x, x}, 100);
    }
  }

  @Test
  void aProfileInMarkdown() {
    gather();
    var peaks = new Peaks("cpu", 50, 50, 4, 40, 1000);
    assertEquals(
        """
        2 steps of 0.00 ms: 0.00 ms in operators, 0.00 ms between them; best 0.00 ms; peaks of \
        cpu: fp32 50 GFLOP/s, bf16 50 GFLOP/s, memory 4.0 GB/s, caches 40.0 GB/s

        | ms/step | best | share | calls | GFLOP/s | GB/s | of peak | operator |
        | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |
        """,
        times
            .markdown(2, 400, peaks)
            .lines()
            .limit(4)
            .map(line -> line + "\n")
            .reduce("", String::concat));
    List<String> rows =
        times.markdown(2, 400, peaks).lines().filter(line -> line.startsWith("| 0")).toList();
    assertTrue(
        rows.contains("| 0.000 | 0.000 | 25.0% | 1 | 20.0 | 16.00 | 40% fp32 | MatrixProduct |"),
        rows::toString);
    assertTrue(
        rows.contains("| 0.000 | 0.000 | 25.0% | 0.50 |  | 8.00 | 20% cache | Elementwise.copy |"),
        rows::toString);
  }

  @Test
  void withoutPeaksThereIsNoShareOfThem() {
    gather();
    String table = times.table(2, 400);
    assertTrue(table.contains("f32[10, 10] f32[5, 10]"), table);
    assertTrue(!table.contains("peak"), table);
  }

  @Test
  void peaksAreReadAsTheyWerePrinted(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("peaks.json");
    Files.writeString(
        file,
        "{\"device\":\"cpu\",\"fp32\":200.5,\"bf16\":400,\"memory\":30,\"cache\":150,"
            + "\"cacheBytes\":524288}");
    assertEquals(new Peaks("cpu", 200.5, 400, 30, 150, 524288), Peaks.read(file));
    Files.writeString(file, "{\"device\":\"cpu\"}");
    String message = assertThrows(IOException.class, () -> Peaks.read(file)).getMessage();
    assertTrue(message.contains("expected JSON with positive fp32"), message);
  }
}
