package dev.gatun.examples.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.nn.checkpoint.ElementType;
import dev.gatun.nn.checkpoint.PytorchWriter;
import dev.gatun.nn.checkpoint.SafeTensorsWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code gatun convert} goes there and back, and lists. */
class ConvertTest {
  @TempDir Path folder;

  private Path example() throws IOException {
    Path file = folder.resolve("a.safetensors");
    SafeTensorsWriter writer = new SafeTensorsWriter(Map.of("step", "7"));
    writer.add("weight", ElementType.F32, new long[] {2, 3}, data -> data.fill((byte) 1));
    writer.add("count", ElementType.I64, new long[0], data -> data.fill((byte) 2));
    writer.write(file);
    return file;
  }

  @Test
  void thereAndBackGivesTheSameBytes() throws IOException {
    Path safe = example();
    Path pytorch = folder.resolve("b.pth");
    Path again = folder.resolve("c.safetensors");
    assertEquals(0, Cli.run("convert", safe, pytorch).status());
    assertEquals('P', Files.readAllBytes(pytorch)[0], "a zip file");
    Cli back = Cli.run("convert", pytorch, again);
    assertEquals(0, back.status(), back.err());
    assertTrue(back.err().contains("2 tensors, 7 numbers"), back.err());
    assertArrayEquals(Files.readAllBytes(safe), Files.readAllBytes(again));
  }

  @Test
  void withoutAnOutputItLists() throws IOException {
    Cli cli = Cli.run("convert", example());
    assertEquals("count I64[]\nweight F32[2, 3]\n# step: 7\n", cli.out());
    assertEquals("2 tensors, 7 numbers\n", cli.err());
  }

  @Test
  void whatCannotBeReadOrWrittenIsExplained() throws IOException {
    Path out = folder.resolve("out.pth");
    Cli.run("convert", folder.resolve("none.pth"), out).assertFails("none.pth", "no such file");
    Path text = Files.writeString(folder.resolve("text.pth"), "not weights, whatever it is called");
    Cli.run("convert", text, out).assertFails("text.pth", "not a SafeTensors file");
    Cli.run("convert", example(), folder.resolve("out.onnx")).assertUsage("ends in .pth");
    PytorchWriter empty = new PytorchWriter(Map.of());
    empty.write(folder.resolve("empty.pth"));
    Cli.run("convert", folder.resolve("empty.pth"), out, "--key", "ema")
        .assertFails("empty.pth", "no dict of tensors under the key ema");
    assertTrue(Files.notExists(out));
  }
}
