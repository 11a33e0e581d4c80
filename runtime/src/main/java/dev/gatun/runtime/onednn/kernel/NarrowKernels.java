package dev.gatun.runtime.onednn.kernel;

/**
 * Convolutions between an image x of few channels and one of many, {@code width}, as sums over the
 * few numbers of each window: number k of the window of pixel (i, j), x[i, j, k], lies {@code
 * taps[k]} bytes from where the window begins. What is multiplied and summed is FLOAT32.
 */
public interface NarrowKernels {

  /**
   * y[i, j, c] = bias[c] + sum_k x[i, j, k] w[k, c], for {@code lines} times {@code columns}
   * pixels.
   *
   * @param w the address of dense FLOAT32 rows
   * @param bias the address of FLOAT32 numbers
   * @param y the address of dense FLOAT32 rows
   */
  void forward(
      NarrowImage x, int[] taps, long w, long bias, int lines, int columns, int width, long y);

  /**
   * dw[k, c] += sum_ij x[i, j, k] dy[i, j, c], over {@code lines} times {@code columns} pixels that
   * are the rows of dy from number {@code first} on.
   *
   * @param dw the address of dense FLOAT32 rows
   */
  void weightGradient(
      NarrowImage x, int[] taps, Rows dy, long first, int lines, int columns, int width, long dw);
}
