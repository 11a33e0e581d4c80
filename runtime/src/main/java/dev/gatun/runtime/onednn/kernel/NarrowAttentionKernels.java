package dev.gatun.runtime.onednn.kernel;

/**
 * Attention of one head of few channels, a few rows of scores at a time, which stay in the first
 * cache. All numbers are FLOAT32. A matrix with tokens in its rows is dense; one with tokens in its
 * columns has them padded with zeros to {@code width}, a multiple of 16.
 */
public interface NarrowAttentionKernels {

  /** Rows of scores that are worked on together. */
  int ROWS = 4;

  /** Of tokens padded with zeros to as many. */
  int WIDTH = 16;

  /** y[c, r] = x[r, c]. */
  void transpose(long x, int rows, int columns, long y);

  /**
   * s = scale q k^T, shifts[i] = max_j s[i,j], denominators[i] = sum_j e^(s[i,j] - shifts[i]),
   * product[i] = sum_j e^(s[i,j] - shifts[i]) v[j].
   *
   * @param q [rows, size], as the product: a multiple of {@link #ROWS} rows
   * @param keys k^T [size, width]
   * @param values v^T [size, width]
   * @param start what unscaled scores begin with [width]: 0, and far below 0 for padding
   * @param size a multiple of 4
   * @param scores room for [ROWS, width]
   */
  void forward(
      long q,
      long keys,
      long values,
      long start,
      int rows,
      int width,
      int size,
      float scale,
      long scores,
      long product,
      long denominators,
      long shifts);

  /**
   * The gradients by k, v and q of {@link #forward}'s product[i] / denominators[i], of which {@code
   * dout} is the gradient, with logSumExp[i] = shifts[i] + ln denominators[i], p[j,i] = e^(scale
   * k[j] q[i] - logSumExp[i]) and ds[j,i] = scale p[j,i] (v[j] dout[i] - delta[i]): dv[j] = sum_i
   * p[j,i] dout[i], dk[j] = sum_i ds[j,i] q[i], dq[i] += sum_j ds[j,i] k[j].
   *
   * @param k [tokens, size], as v, dk and dv, with room up to a multiple of {@link #ROWS} rows
   * @param queries q^T [size, width]
   * @param douts dout^T [size, width]
   * @param zeros [width]
   * @param logSumExp [width], as delta
   * @param scores room for [2, ROWS, width]
   * @param dqueries dq^T [size, width]
   */
  void gradient(
      long k,
      long v,
      long queries,
      long douts,
      long zeros,
      int tokens,
      int width,
      int size,
      float scale,
      long logSumExp,
      long delta,
      long scores,
      long dk,
      long dv,
      long dqueries);
}
