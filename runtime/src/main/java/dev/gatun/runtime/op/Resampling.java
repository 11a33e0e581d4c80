package dev.gatun.runtime.op;

import dev.gatun.runtime.tensor.Tensor;

/**
 * Pooling and nearest-neighbour enlargement. x: [N, H, W, C]; pooling has windows of {@code kernel}
 * by {@code kernel} that start every {@code stride}, without padding.
 */
public interface Resampling {

  /**
   * y = the largest element of each window, in each channel; argmax, UINT8 of y's shape and dense,
   * its place u * kernel + v in the window, the first of equals. A NaN is larger than any number.
   * kernel is at most 16.
   */
  void maxPool(int kernel, int stride, Tensor x, Tensor y, Tensor argmax);

  /** dx = the sum of dy over the windows whose largest element it was, else 0. */
  void maxPoolGradient(int kernel, int stride, Tensor dy, Tensor argmax, Tensor dx);

  /** y = the mean of each window, in each channel. */
  void averagePool(int kernel, int stride, Tensor x, Tensor y);

  /** dx = the sum of dy / kernel^2 over the windows that hold it. */
  void averagePoolGradient(int kernel, int stride, Tensor dy, Tensor dx);

  /** y[n,i,j,c] = x[n, i / factor, j / factor, c], with y [N, factor H, factor W, C]. */
  void nearest(int factor, Tensor x, Tensor y);

  /** dx[n,h,w,c] = the sum of the factor^2 elements of dy that were copied from it. */
  void nearestGradient(int factor, Tensor dy, Tensor dx);
}
