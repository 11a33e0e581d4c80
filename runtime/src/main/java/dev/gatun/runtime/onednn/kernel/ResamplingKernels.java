package dev.gatun.runtime.onednn.kernel;

/**
 * Pooling of one sample: [height, width, channels] rows to windows of {@code kernel} by {@code
 * kernel} every {@code stride}.
 */
public interface ResamplingKernels {

  /**
   * The maxima and, at {@code argmax}, their places in the windows: outHeight * outWidth dense rows
   * of bytes.
   */
  void maxPool(
      int kernel,
      int stride,
      int width,
      int channels,
      Rows x,
      int outHeight,
      int outWidth,
      Rows y,
      long argmax);

  void maxPoolGradient(
      int kernel,
      int stride,
      int height,
      int width,
      int channels,
      Rows dy,
      long argmax,
      int outHeight,
      int outWidth,
      Rows dx);

  /** y = scale * the sum of each window. */
  void sumPool(
      int kernel,
      int stride,
      float scale,
      int width,
      int channels,
      Rows x,
      int outHeight,
      int outWidth,
      Rows y);

  /** dx = scale * the sum of dy over the windows that hold it. */
  void sumPoolGradient(
      int kernel,
      int stride,
      float scale,
      int height,
      int width,
      int channels,
      Rows dy,
      int outHeight,
      int outWidth,
      Rows dx);
}
