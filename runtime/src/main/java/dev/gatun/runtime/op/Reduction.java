package dev.gatun.runtime.op;

import dev.gatun.runtime.tensor.Tensor;

/**
 * Sums. Results are FLOAT32 and do not depend on chance: the same inputs give the same bits at the
 * same number of threads.
 */
public interface Reduction {

  /** y[c] = sum_r x[r, c], with y [C]. */
  void sumRows(Tensor x, Tensor y);

  /** y[n, c] = sum_p x[n, p, c], with x [N, ..., C] and y [N, C]. */
  void sumPixels(Tensor x, Tensor y);

  /** y[0] = the sum of the squares of all elements. */
  void sumOfSquares(Tensor x, Tensor y);

  /**
   * loss[0] = the mean of the function over all elements; gradient, of prediction's shape, = its
   * derivative by prediction. prediction and target have one shape.
   */
  void loss(LossFunction function, Tensor prediction, Tensor target, Tensor loss, Tensor gradient);
}
