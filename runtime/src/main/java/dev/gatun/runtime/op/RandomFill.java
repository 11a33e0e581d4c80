package dev.gatun.runtime.op;

import dev.gatun.runtime.tensor.Tensor;

/**
 * Counted random numbers: each is a function of (key, step, sample, element) and of nothing else,
 * with the same bits on every backend. Element e of sample i (the tensor's first extent, counted
 * from firstSample) is number e mod 4 of the Philox block with the counter (e / 4, firstSample + i,
 * step, key.purpose) and the key key.seed; e counts the sample's elements in row-major order.
 * {@code step} is an INT32 [1] in device memory.
 */
public interface RandomFill {

  /** y ~ N(0, 1), by {@link dev.gatun.runtime.random.Gaussian}. */
  void normal(RandomKey key, Tensor step, int firstSample, Tensor y);

  /** y ~ U[0, 1): the word's upper 24 bits times 2^-24. */
  void uniform(RandomKey key, Tensor step, int firstSample, Tensor y);

  /**
   * y ~ U{low, ..., low + count - 1}: low + floor(word * count / 2^32), y INT32 [N] of which each
   * element is a sample.
   */
  void integers(RandomKey key, Tensor step, int firstSample, int low, int count, Tensor y);

  /**
   * y = x / (1 - p) where the uniform number is p or more, else 0; the gradient is the same call on
   * dy. y may be x. Srivastava et al. 2014.
   */
  void dropout(RandomKey key, Tensor step, float p, Tensor x, Tensor y);
}
