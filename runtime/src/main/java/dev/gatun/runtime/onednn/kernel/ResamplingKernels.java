package dev.gatun.runtime.onednn.kernel;

/** Pooling of image {@code n} of a batch: x and dx hold the images, y and dy a row per window. */
public interface ResamplingKernels {

  /**
   * The maxima and, at {@code argmax} for image 0, their places in the windows, dense rows of
   * bytes.
   */
  void maxPool(Pooling p, long n, Rows x, Rows y, long argmax);

  /** dx = the sum of dy over the windows whose maximum it was. */
  void maxPoolGradient(Pooling p, long n, Rows dy, long argmax, Rows dx);

  /** y = scale * the sum of each window. */
  void sumPool(Pooling p, long n, float scale, Rows x, Rows y);

  /** dx = scale * the sum of dy over the windows that hold it. */
  void sumPoolGradient(Pooling p, long n, float scale, Rows dy, Rows dx);
}
