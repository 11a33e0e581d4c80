package dev.gatun.examples.figure;

import dev.gatun.ddpm.data.ImageShape;
import dev.gatun.ddpm.data.ImageSheet;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.util.List;

/**
 * Images side by side, each with a caption below it: the stations of a way from left to right; one
 * row for each way.
 *
 * @param title above them
 * @param captions one for each station
 */
public record Strip(String title, List<String> captions) {
  /** How many pictures the ways from and to noise are shown by. */
  public static final int PICTURES = 10;

  private static final int TOP = 32;
  private static final int BOTTOM = 26;

  /**
   * The strip with {@code rows} ways.
   *
   * @param stations for each caption the values of the rows' images, HWC, in [-1, 1]
   * @param scale pixels per value
   */
  public BufferedImage render(float[][] stations, ImageShape shape, int rows, int scale) {
    int columns = captions.size();
    int values = shape.values();
    float[] images = new float[rows * columns * values];
    for (int row = 0; row < rows; row++) {
      for (int column = 0; column < columns; column++) {
        System.arraycopy(
            stations[column], row * values, images, (row * columns + column) * values, values);
      }
    }
    BufferedImage sheet = ImageSheet.render(images, shape, rows * columns, columns, scale);
    BufferedImage picture = Drawing.blank(sheet.getWidth(), TOP + sheet.getHeight() + BOTTOM);
    Graphics2D pen = Drawing.pen(picture);
    pen.drawImage(sheet, 0, TOP, null);
    pen.setFont(Drawing.TITLE);
    Drawing.centred(pen, title, sheet.getWidth() / 2, TOP - 11);
    pen.setFont(Drawing.LABEL);
    for (int column = 0; column < columns; column++) {
      int left = left(shape, scale, column);
      Drawing.centred(
          pen, captions.get(column), left + shape.width() * scale / 2, picture.getHeight() - 8);
    }
    pen.dispose();
    return picture;
  }

  /** Pixels left of a column's images. */
  static int left(ImageShape shape, int scale, int column) {
    return ImageSheet.GUTTER + column * (shape.width() * scale + ImageSheet.GUTTER);
  }

  /** Pixels per value at which a caption has room below an image. */
  public static int scaleFor(ImageShape shape) {
    return Math.max(1, 96 / shape.width());
  }
}
