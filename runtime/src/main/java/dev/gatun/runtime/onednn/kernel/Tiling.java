package dev.gatun.runtime.onednn.kernel;

/**
 * A batch of images cut into tiles of which each holds 2x2 pixels of its own: tile (i, j) begins at
 * pixel (2i - top, 2j - left). Pixels outside of the image count as zero, or are dropped.
 *
 * @param rows tiles one above the other
 * @param columns tiles side by side
 */
public record Tiling(
    int height, int width, int channels, int top, int left, int rows, int columns) {

  /** Tiles of one image. */
  public int perImage() {
    return rows * columns;
  }

  /** The same for some of the channels. */
  public Tiling withChannels(int some) {
    return new Tiling(height, width, some, top, left, rows, columns);
  }

  /**
   * The addresses of the {@code side} by {@code side} pixels of tile {@code tile} of {@code x}; for
   * pixels outside of the image {@code outside}.
   */
  void addresses(Rows x, long tile, int side, long outside, long[] at) {
    long image = tile / perImage();
    int place = (int) (tile - image * perImage());
    int i = place / columns;
    int h = 2 * i - top;
    int w = 2 * (place - i * columns) - left;
    long first = x.at((image * height + h) * width + w);
    for (int r = 0; r < side; r++) {
      boolean inside = h + r >= 0 && h + r < height;
      long line = first + r * width * x.stride();
      for (int s = 0; s < side; s++) {
        boolean seen = inside && w + s >= 0 && w + s < width;
        at[r * side + s] = seen ? line + s * x.stride() : outside;
      }
    }
  }
}
