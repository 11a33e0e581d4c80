package dev.gatun.ddpm.data;

/**
 * The size of one image: height x width x channels, in that order in memory (HWC).
 *
 * @param height rows, 1 to 32,768
 * @param width columns, 1 to 32,768
 * @param channels 1 (grayscale) or 3 (RGB)
 */
public record ImageShape(int height, int width, int channels) {
  static final int LARGEST_SIDE = 32_768;

  public ImageShape {
    if (height < 1 || height > LARGEST_SIDE || width < 1 || width > LARGEST_SIDE) {
      throw new IllegalArgumentException(
          "Image of %d rows and %d columns: expected 1 to %d of each"
              .formatted(height, width, LARGEST_SIDE));
    }
    if (channels != 1 && channels != 3) {
      throw new IllegalArgumentException(
          "Image of %d channels: expected 1 (grayscale) or 3 (RGB)".formatted(channels));
    }
    if ((long) height * width * channels > Integer.MAX_VALUE - 8) {
      throw new IllegalArgumentException(
          "Image of %dx%dx%d values: too large for one array, choose a smaller size"
              .formatted(height, width, channels));
    }
  }

  /** height * width * channels: how many values, and how many bytes, an image has. */
  public int values() {
    return height * width * channels;
  }

  @Override
  public String toString() {
    return height + "x" + width + "x" + channels;
  }
}
