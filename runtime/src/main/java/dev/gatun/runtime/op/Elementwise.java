package dev.gatun.runtime.op;

import dev.gatun.runtime.tensor.Tensor;

/**
 * Functions of each element, or of each element and its sample. Outputs may be the same tensor as
 * an input of their shape.
 */
public interface Elementwise {

  /** y = f(x). */
  void activate(Activation f, Tensor x, Tensor y);

  /** dx = dy * f'(x). */
  void activateGradient(Activation f, Tensor x, Tensor dy, Tensor dx);

  /** y = a + b. */
  void add(Tensor a, Tensor b, Tensor y);

  /**
   * y = x in y's dtype: a copy, a conversion between FLOAT32 and BFLOAT16, or the writing of a
   * channel slice.
   */
  void copy(Tensor x, Tensor y);

  /** y = value. */
  void fill(float value, Tensor y);

  /** y = min(max(x, low), high). */
  void clamp(Tensor x, float low, float high, Tensor y);

  /**
   * y[n, p, c] = x[n, p, c] + shift[n, c], with x and y [N, ..., C] and shift [N, C]. The gradient
   * of shift is {@link Reduction#sumPixels}.
   */
  void addPerSample(Tensor x, Tensor shift, Tensor y);

  /**
   * z[n, ...] = a[n] * x[n, ...] + b[n] * y[n, ...], with a and b FLOAT32 [N]: q-sampling, its
   * targets, a sampler's step.
   */
  void combinePerSample(Tensor a, Tensor x, Tensor b, Tensor y, Tensor z);

  /**
   * y[i, :] = table[indices[i], :], with indices INT32 [N] within the table's rows, table [T, D]
   * and y [N, D], or table [T] and y [N].
   *
   * <p>For an index outside nothing of the table is read. A GPU, which reads the indices when
   * nobody waits, makes that row of y NaN.
   *
   * @throws IllegalArgumentException for an index outside, where the processor reads the indices
   */
  void gather(Tensor table, Tensor indices, Tensor y);
}
