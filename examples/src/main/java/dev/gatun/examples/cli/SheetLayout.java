package dev.gatun.examples.cli;

import dev.gatun.ddpm.data.ImageShape;
import dev.gatun.ddpm.data.ImageSheet;
import java.awt.image.BufferedImage;

/**
 * A nearly square sheet of images, enlarged by a whole factor until a person can read it.
 *
 * @param columns images per row
 * @param scale pixels per value, in each direction
 */
record SheetLayout(int columns, int scale) {
  private static final int WIDTH = 900; // pixels, about
  private static final int LARGEST_SCALE = 8;

  static SheetLayout of(int count, ImageShape shape) {
    int columns = (int) Math.ceil(Math.sqrt(count));
    int longer = Math.max(shape.width(), shape.height());
    return new SheetLayout(columns, Math.clamp(WIDTH / (columns * longer), 1, LARGEST_SCALE));
  }

  /** The sheet of {@code count} images, NHWC in -1 to 1. */
  static BufferedImage render(float[] images, ImageShape shape, int count) {
    SheetLayout layout = of(count, shape);
    return ImageSheet.render(images, shape, count, layout.columns, layout.scale);
  }
}
