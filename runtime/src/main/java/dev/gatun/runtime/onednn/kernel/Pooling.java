package dev.gatun.runtime.onednn.kernel;

import dev.gatun.runtime.tensor.Shape;

/**
 * Windows of {@code kernel} by {@code kernel} that start every {@code stride} pixels of images of
 * {@code height} by {@code width}, {@code outHeight} by {@code outWidth} of them.
 */
public record Pooling(
    int kernel, int stride, int height, int width, int channels, int outHeight, int outWidth) {

  /** The windows over images of shape {@code in} that give images of shape {@code out}. */
  public static Pooling of(int kernel, int stride, Shape in, Shape out) {
    return new Pooling(
        kernel, stride, in.height(), in.width(), in.channels(), out.height(), out.width());
  }

  /** The first row of image {@code n}. */
  long imageRow(long n) {
    return n * height * width;
  }

  /** The first row of the windows of image {@code n}. */
  long windowRow(long n) {
    return n * outHeight * outWidth;
  }
}
