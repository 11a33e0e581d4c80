package dev.gatun.ddpm.data;

import dev.gatun.nn.checkpoint.FileReplacement;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import javax.imageio.ImageIO;

/** Images laid out in a grid, row by row, with a gutter around each, as one picture. */
public final class ImageSheet {
  /** Pixels between images, and around them. */
  public static final int GUTTER = 2;

  private static final int WIDTH = 900;
  private static final int LARGEST_SCALE = 8;
  private static final Color BACKGROUND = new Color(0x60, 0x60, 0x60);

  private ImageSheet() {}

  /**
   * Draws images of values in [-1, 1], byte = round((x + 1) 127.5), values beyond the range cut
   * off.
   *
   * @param nhwc count x height x width x channels floats, native order
   * @param shape of one image
   * @param count how many images
   * @param columns images per row
   * @param scale each value becomes scale x scale pixels
   * @throws IllegalArgumentException where nhwc is too short or holds a NaN
   */
  public static BufferedImage render(
      MemorySegment nhwc, ImageShape shape, int count, int columns, int scale) {
    if (count < 1 || columns < 1 || scale < 1) {
      throw new IllegalArgumentException(
          "Sheet of %d images, %d columns, scale %d: expected at least 1 of each"
              .formatted(count, columns, scale));
    }
    long need = (long) count * shape.values() * Float.BYTES;
    if (nhwc.byteSize() < need) {
      throw new IllegalArgumentException(
          "Sheet of %d images of %s: expected %,d bytes of floats, got %,d"
              .formatted(count, shape, need, nhwc.byteSize()));
    }
    int across = Math.min(columns, count);
    int down = Math.ceilDiv(count, across);
    long width = GUTTER + (long) across * (shape.width() * (long) scale + GUTTER);
    long height = GUTTER + (long) down * (shape.height() * (long) scale + GUTTER);
    if (width * height > 1L << 28) {
      throw new IllegalArgumentException(
          "Sheet of %,dx%,d pixels is too large: choose fewer images or a smaller scale"
              .formatted(height, width));
    }
    var sheet = new BufferedImage((int) width, (int) height, BufferedImage.TYPE_INT_RGB);
    Graphics2D graphics = sheet.createGraphics();
    graphics.setColor(BACKGROUND);
    graphics.fillRect(0, 0, sheet.getWidth(), sheet.getHeight());
    for (int i = 0; i < count; i++) {
      int left = GUTTER + i % across * (shape.width() * scale + GUTTER);
      int top = GUTTER + i / across * (shape.height() * scale + GUTTER);
      BufferedImage image = image(nhwc, shape, i);
      graphics.drawImage(image, left, top, shape.width() * scale, shape.height() * scale, null);
    }
    graphics.dispose();
    return sheet;
  }

  /** As above from an array. */
  public static BufferedImage render(
      float[] nhwc, ImageShape shape, int count, int columns, int scale) {
    return render(MemorySegment.ofArray(nhwc), shape, count, columns, scale);
  }

  /**
   * As above in a nearly square grid, enlarged by a whole factor until a person can read it: about
   * {@value #WIDTH} pixels wide, at most {@value #LARGEST_SCALE} pixels a value.
   */
  public static BufferedImage render(float[] nhwc, ImageShape shape, int count) {
    int columns = Math.max(1, (int) Math.ceil(Math.sqrt(count)));
    int longer = Math.max(shape.width(), shape.height());
    int scale = Math.clamp(WIDTH / ((long) columns * longer), 1, LARGEST_SCALE);
    return render(nhwc, shape, count, columns, scale);
  }

  private static BufferedImage image(MemorySegment nhwc, ImageShape shape, int index) {
    int channels = shape.channels();
    var image = new BufferedImage(shape.width(), shape.height(), BufferedImage.TYPE_INT_RGB);
    long at = (long) index * shape.values();
    for (int y = 0; y < shape.height(); y++) {
      for (int x = 0; x < shape.width(); x++, at += channels) {
        int rgb = 0;
        for (int c = 0; c < 3; c++) {
          float value = nhwc.getAtIndex(ValueLayout.JAVA_FLOAT, at + (channels == 1 ? 0 : c));
          if (Float.isNaN(value)) {
            throw new IllegalArgumentException(
                "Image %d holds NaN at row %d, column %d: the numbers that made it have overflowed"
                    .formatted(index, y, x));
          }
          rgb = rgb << 8 | Math.clamp(Math.round((value + 1) * 127.5f), 0, 255);
        }
        image.setRGB(x, y, rgb);
      }
    }
    return image;
  }

  /**
   * Writes a PNG as a whole or not at all, see {@link FileReplacement}.
   *
   * @throws IOException naming the file, where its folder is missing or cannot be written to; a
   *     file that was there before stays as it was
   */
  public static void writePng(Path file, BufferedImage image) throws IOException {
    Path target = file.toAbsolutePath();
    Path folder = target.getParent();
    if (folder == null || Files.isDirectory(target)) {
      throw new IOException(file + ": is a folder, expected the name of a PNG file");
    }
    if (!Files.isDirectory(folder)) {
      throw new IOException(
          "%s: cannot be written, there is no folder %s: make it first".formatted(file, folder));
    }
    var bytes = new ByteArrayOutputStream();
    if (!ImageIO.write(image, "png", bytes)) {
      throw new IOException(file + ": this Java runtime cannot write PNG files: use a full JDK");
    }
    FileReplacement.write(file, ByteBuffer.wrap(bytes.toByteArray()));
  }
}
