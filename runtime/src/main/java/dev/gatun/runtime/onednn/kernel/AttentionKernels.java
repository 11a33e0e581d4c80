package dev.gatun.runtime.onednn.kernel;

/**
 * What attention does between its matrix products, on tiles of scores: dense rows of fp32, of which
 * the results take the place.
 */
public interface AttentionKernels {

  /**
   * p[r,j] = e^(scale s[r,j] - m_r) in the place of s, where m_r = max_j scale s[r,j] and scale is
   * positive; denominators[r] = sum_j p[r,j]; logSumExp[r] = m_r + ln denominators[r]. A p below
   * 2^-117 is 0, here and in the gradient.
   */
  void softmax(long scores, long rows, int width, float scale, long denominators, long logSumExp);

  /**
   * p[b,r,i] = e^(scale s[b,r,i] - logSumExp[b,i]) in the place of s and scale p[b,r,i] (dp[b,r,i]
   * - delta[b,i]) in the place of dp; s and dp: [batch, rows, width].
   */
  void gradient(
      long scores,
      long dp,
      long batch,
      long rows,
      int width,
      float scale,
      long logSumExp,
      long delta);

  /** {@code count} numbers of fp32 become BFLOAT16, from the same address on. */
  void narrow(long x, long count);

  /** y[r,c] = x[r,c] / denominators[r]. */
  void divide(Rows x, long denominators, Rows y, long rows, int width);

  /** dots[r] = sum_c a[r,c] b[r,c]. */
  void dots(Rows a, Rows b, long rows, int width, long dots);

  /** logSumExp[r] += ln denominators[r]. */
  static void addLogarithms(long rows, long denominators, long logSumExp) {
    for (long r = 0; r < rows; r++) {
      double logarithm = Math.log(Memory.getFloat(denominators + 4 * r));
      long to = logSumExp + 4 * r;
      Memory.putFloat(to, (float) (Memory.getFloat(to) + logarithm));
    }
  }
}
