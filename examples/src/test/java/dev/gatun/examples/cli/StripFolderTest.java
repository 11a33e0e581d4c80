package dev.gatun.examples.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The strips of a run are few and show all of it. */
class StripFolderTest {
  @TempDir Path run;

  private static BufferedImage strip(int step) {
    var picture = new BufferedImage(3, 2, BufferedImage.TYPE_INT_RGB);
    picture.setRGB(1, 1, step);
    return picture;
  }

  private List<String> kept() throws IOException {
    try (Stream<Path> files = Files.list(run.resolve("strips"))) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  @Test
  void theLastOneIsTheOneBeside() throws IOException {
    StripFolder strips = new StripFolder(run);
    strips.add(500, strip(500));
    strips.add(1000, strip(1000));
    assertEquals(List.of("step-00000500.png", "step-00001000.png"), kept());
    assertArrayEquals(
        Files.readAllBytes(run.resolve("strips/step-00001000.png")),
        Files.readAllBytes(strips.last()));
  }

  @Test
  void manyAreThinnedEvenly() throws IOException {
    StripFolder strips = new StripFolder(run);
    Files.createDirectories(run.resolve("strips"));
    Files.writeString(run.resolve("strips/notes.txt"), "kept");
    for (int step = 1; step <= 300; step++) {
      strips.add(step, strip(step));
      assertTrue(kept().size() <= 64, "step " + step);
    }
    List<String> kept = kept();
    assertTrue(kept.size() > 30, kept.toString());
    assertTrue(kept.contains("step-00000001.png"), "the first");
    assertTrue(kept.contains("step-00000300.png"), "the last");
    assertTrue(kept.contains("notes.txt"), "what is no strip");
  }
}
