package dev.gatun.examples.cli;

import dev.gatun.ddpm.data.ImageSheet;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * The strips of a run: the last one is {@code strip.png}, the earlier ones {@code
 * strips/step-000500.png} and so on. When there are {@value #MOST}, every other one is deleted, so
 * that those that are left show the whole run, early and late.
 *
 * @param run the folder of the run
 */
record StripFolder(Path run) {
  private static final int MOST = 64;

  Path last() {
    return run.resolve("strip.png");
  }

  /** Keeps the strip of {@code step}. */
  void add(int step, BufferedImage strip) throws IOException {
    Path folder = Files.createDirectories(run.resolve("strips"));
    ImageSheet.writePng(folder.resolve("step-%08d.png".formatted(step)), strip);
    ImageSheet.writePng(last(), strip);
    List<Path> kept;
    try (Stream<Path> files = Files.list(folder)) {
      kept =
          files
              .filter(file -> file.getFileName().toString().matches("step-\\d{8}\\.png"))
              .sorted()
              .toList();
    }
    if (kept.size() >= MOST) {
      for (int i = 1; i < kept.size() - 1; i += 2) {
        Files.delete(kept.get(i));
      }
    }
  }
}
