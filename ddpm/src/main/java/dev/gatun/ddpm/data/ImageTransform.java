package dev.gatun.ddpm.data;

/**
 * How a picture of any size becomes an image of one shape: a box of the picture is resized by a
 * triangle (bilinear) filter that widens with the reduction, so that shrinking is free of aliasing
 * (Pillow's {@code BILINEAR}); then colours become L = 0.299 R + 0.587 G + 0.114 B where one
 * channel is asked for, and gray is repeated where three are.
 *
 * @param shape of the result
 * @param fit which box of the picture is taken
 */
public record ImageTransform(ImageShape shape, Fit fit) {
  /** Which part of a picture of another aspect ratio is taken. */
  public enum Fit {
    /** The largest centred box of the result's aspect ratio; what lies outside is cut off. */
    CENTER_CROP,
    /** All of the picture; its aspect ratio changes. */
    STRETCH
  }

  /** Centre-cropped to size x size with that many channels (1 or 3). */
  public static ImageTransform square(int size, int channels) {
    return new ImageTransform(new ImageShape(size, size, channels), Fit.CENTER_CROP);
  }

  /** The HWC bytes of {@code picture}, of shape {@code from}, in this transform's shape. */
  public byte[] apply(byte[] picture, ImageShape from) {
    byte[] result = picture;
    int channels = from.channels();
    // colour first where it becomes gray, last where gray becomes colour: the filter then works on
    // one channel
    if (channels == 3 && shape.channels() == 1) {
      result = toGray(result);
      channels = 1;
    }
    result = resize(result, from.height(), from.width(), channels);
    return channels == shape.channels() ? result : toColour(result);
  }

  private byte[] resize(byte[] picture, int height, int width, int channels) {
    double boxHeight = height;
    double boxWidth = width;
    if (fit == Fit.CENTER_CROP) {
      double scale = Math.min((double) height / shape.height(), (double) width / shape.width());
      boxHeight = scale * shape.height();
      boxWidth = scale * shape.width();
    }
    var rows = new TriangleFilter(height, (height - boxHeight) / 2, boxHeight, shape.height());
    var columns = new TriangleFilter(width, (width - boxWidth) / 2, boxWidth, shape.width());
    return TriangleFilter.resize(picture, width, channels, rows, columns);
  }

  private static byte[] toGray(byte[] rgb) {
    byte[] gray = new byte[rgb.length / 3];
    for (int i = 0; i < gray.length; i++) {
      int r = rgb[3 * i] & 255;
      int g = rgb[3 * i + 1] & 255;
      int b = rgb[3 * i + 2] & 255;
      gray[i] = (byte) ((299 * r + 587 * g + 114 * b + 500) / 1000);
    }
    return gray;
  }

  private static byte[] toColour(byte[] gray) {
    byte[] rgb = new byte[3 * gray.length];
    for (int i = 0; i < rgb.length; i++) {
      rgb[i] = gray[i / 3];
    }
    return rgb;
  }
}
