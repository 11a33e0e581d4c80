package dev.gatun.ddpm.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ImageSheetTest {
  @TempDir Path folder;

  @Test
  void laysOutRowByRowWithAGutter() {
    // three images of 1 x 2 in two columns, each value 3 x 3 pixels
    float[] values = {-1, 1, 0, -0.5f, 2, -7};
    BufferedImage sheet = ImageSheet.render(values, new ImageShape(1, 2, 1), 3, 2, 3);
    assertEquals(2 + 2 * (6 + 2), sheet.getWidth());
    assertEquals(2 + 2 * (3 + 2), sheet.getHeight());
    int[][] expected = {
      {2, 2, 0}, {5, 2, 255}, {7, 4, 255}, {10, 2, 128}, {13, 2, 64}, {2, 7, 255}, {5, 7, 0}
    };
    for (int[] pixel : expected) {
      assertEquals(
          0x010101 * pixel[2], sheet.getRGB(pixel[0], pixel[1]) & 0xffffff, "x " + pixel[0]);
    }
    int[][] background = {{0, 0}, {1, 1}, {8, 2}, {9, 3}, {2, 5}, {10, 7}, {17, 11}};
    for (int[] pixel : background) {
      assertEquals(0x606060, sheet.getRGB(pixel[0], pixel[1]) & 0xffffff, "x " + pixel[0]);
    }
  }

  @Test
  void coloursAreRgb() {
    BufferedImage sheet =
        ImageSheet.render(new float[] {1, 0, -1}, new ImageShape(1, 1, 3), 1, 10, 1);
    assertEquals(5, sheet.getWidth());
    assertEquals(0xff8000, sheet.getRGB(2, 2) & 0xffffff);
  }

  @Test
  void bytesSurviveTheWayThere() {
    float[] values = new float[256];
    for (int p = 0; p < 256; p++) {
      values[p] = (float) (2.0 * p / 255 - 1);
    }
    BufferedImage sheet = ImageSheet.render(values, new ImageShape(1, 256, 1), 1, 1, 1);
    for (int p = 0; p < 256; p++) {
      assertEquals(p, sheet.getRGB(2 + p, 2) & 255);
    }
  }

  @Test
  void refusesNanAndWrongSizes() {
    ImageShape shape = new ImageShape(1, 2, 1);
    float[] values = {0, 0, 0, Float.NaN};
    var e =
        assertThrows(
            IllegalArgumentException.class, () -> ImageSheet.render(values, shape, 2, 2, 1));
    assertEquals(
        "Image 1 holds NaN at row 0, column 1: the numbers that made it have overflowed",
        e.getMessage());
    assertThrows(IllegalArgumentException.class, () -> ImageSheet.render(values, shape, 3, 2, 1));
    assertThrows(IllegalArgumentException.class, () -> ImageSheet.render(values, shape, 1, 0, 1));
    assertThrows(
        IllegalArgumentException.class, () -> ImageSheet.render(values, shape, 1, 1, 1_000_000));
  }

  @Test
  void writesAWholeFileAndNothingElse() throws IOException {
    BufferedImage sheet = ImageSheet.render(new float[] {1, -1}, new ImageShape(1, 2, 1), 1, 1, 4);
    Path file = folder.resolve("samples.png");
    Files.writeString(file, "an older file");
    ImageSheet.writePng(file, sheet);
    assertEquals(List.of("samples.png"), names());
    BufferedImage read = ImageIO.read(file.toFile());
    assertArrayEquals(
        sheet.getRGB(0, 0, sheet.getWidth(), sheet.getHeight(), null, 0, sheet.getWidth()),
        read.getRGB(0, 0, sheet.getWidth(), sheet.getHeight(), null, 0, sheet.getWidth()));
  }

  @Test
  void aSheetIsNearlySquareAndLarge() {
    ImageShape digit = new ImageShape(28, 28, 1);
    assertSize(2 + 8 * (28 * 4 + 2), 2 + 8 * (28 * 4 + 2), digit, 64);
    assertSize(2 + 28 * 8 + 2, 2 + 28 * 8 + 2, digit, 1);
    assertSize(2 + 40 * 30, 2 + 40 * 30, digit, 1_600);
    assertSize(2 + 2 * 514, 2 + 2 * 514, new ImageShape(512, 512, 3), 3);
    assertThrows(
        IllegalArgumentException.class, () -> ImageSheet.render(new float[28 * 28], digit, 0));
  }

  private static void assertSize(int height, int width, ImageShape shape, int count) {
    BufferedImage sheet = ImageSheet.render(new float[count * shape.values()], shape, count);
    assertEquals(height, sheet.getHeight(), count + " images");
    assertEquals(width, sheet.getWidth(), count + " images");
  }

  @Test
  void aFailedWriteSaysWhyAndLeavesNothing() throws IOException {
    var sheet = new BufferedImage(4, 4, BufferedImage.TYPE_INT_RGB);
    Path nowhere = folder.resolve("no/such/x.png");
    IOException e = assertThrows(IOException.class, () -> ImageSheet.writePng(nowhere, sheet));
    assertTrue(e.getMessage().startsWith(nowhere + ": cannot be written, there is no folder"));
    e = assertThrows(IOException.class, () -> ImageSheet.writePng(folder, sheet));
    assertTrue(e.getMessage().contains("is a folder"), e.getMessage());

    // the file beside cannot be made: a folder has its name
    Files.createDirectories(folder.resolve("x.png.partial/full"));
    Path file = Files.writeString(folder.resolve("x.png"), "the last good one");
    e = assertThrows(IOException.class, () -> ImageSheet.writePng(file, sheet));
    assertTrue(e.getMessage().startsWith(file + ": cannot be written ("), e.getMessage());
    assertEquals("the last good one", Files.readString(file));
  }

  private List<String> names() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(f -> f.getFileName().toString()).toList();
    }
  }
}
