package dev.gatun.runtime.op;

import dev.gatun.runtime.tensor.Tensor;

/**
 * Unmasked scaled dot-product attention over the tokens of each sample.
 *
 * <p>q, k, v and out: [N, T, heads * d] or [N, H, W, heads * d] with T = H W tokens; head h has
 * channels h d to (h + 1) d. They may be channel slices of one tensor.
 */
public interface Attention {

  /**
   * out[n,i,h] = sum_j softmax_j(q[n,i,h] . k[n,j,h] / sqrt d) * v[n,j,h]; logSumExp[n,h,i],
   * FLOAT32 [N, heads, T], keeps the logarithm of the softmax's denominator. Vaswani et al. 2017,
   * eq. 1.
   */
  void forward(int heads, Tensor q, Tensor k, Tensor v, Tensor out, Tensor logSumExp);

  /**
   * dq, dk and dv of {@link #forward}, from its inputs, its results and dout. Dao et al. 2022,
   * appendix B.2.
   */
  void gradient(
      int heads,
      Tensor q,
      Tensor k,
      Tensor v,
      Tensor out,
      Tensor logSumExp,
      Tensor dout,
      Tensor dq,
      Tensor dk,
      Tensor dv);
}
