package dev.gatun.examples.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.stream.LongStream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The table of losses, and its picture. */
class LossLogTest {
  @TempDir Path folder;

  private static LossRow row(long step) {
    return new LossRow(step, 1.0 / (1L << step % 20), 0.5, 0.25, 123.5);
  }

  private Path write(int rows) throws IOException {
    Path file = folder.resolve("loss.csv");
    try (LossLog log = LossLog.open(file, 0)) {
      for (int step = 1; step <= rows; step++) {
        log.add(row(step));
      }
    }
    return file;
  }

  @Test
  void whatIsWrittenIsRead() throws IOException {
    Path file = write(3);
    assertEquals(List.of(row(1), row(2), row(3)), LossLog.read(file));
    assertEquals(LossRow.HEADER, Files.readAllLines(file).getFirst());
  }

  @Test
  void rowsAfterTheCheckpointAreDoneAgain() throws IOException {
    Path file = write(9);
    try (LossLog log = LossLog.open(file, 4)) {
      assertEquals(4, log.rows().size());
      log.add(row(5));
    }
    assertEquals(
        LongStream.rangeClosed(1, 5).mapToObj(LossLogTest::row).toList(), LossLog.read(file));
  }

  @Test
  void aLineThatWasCutOffIsLeftOut() throws IOException {
    Path file = write(3);
    Files.writeString(file, "4,0.2,0.", StandardOpenOption.APPEND);
    assertEquals(3, LossLog.read(file).size());
  }

  @Test
  void aDamagedLineIsNamed() throws IOException {
    Path file = write(3);
    Files.writeString(file, Files.readString(file).replace("2,0.25", "2;0.25"));
    String message = assertThrows(IOException.class, () -> LossLog.read(file)).getMessage();
    assertTrue(message.contains("line 3"), message);
    assertTrue(message.contains("loss.csv"), message);
  }

  @Test
  void theLossesAreDrawn() throws IOException {
    for (int rows : new int[] {1, 2, 5000}) {
      Path picture = folder.resolve(rows + ".png");
      LossChart.draw(LossLog.read(write(rows)), picture);
      assertEquals(900, ImageIO.read(picture.toFile()).getWidth());
    }
  }
}
