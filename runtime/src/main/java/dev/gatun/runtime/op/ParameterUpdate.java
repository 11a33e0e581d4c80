package dev.gatun.runtime.op;

import dev.gatun.runtime.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Updates of parameters over flat, dense FLOAT32 ranges. What changes from step to step is read
 * from device memory.
 *
 * <p>Gradients are read and left as they are: the next backward pass overwrites them, so that
 * nothing has to set them to zero.
 */
public interface ParameterUpdate {

  /**
   * scale[0] = min(1, maxNorm / (sqrt(sumOfSquares[0]) + 1e-6)): the factor of {@code
   * torch.nn.utils.clip_grad_norm_}.
   */
  void clipScale(Tensor sumOfSquares, float maxNorm, Tensor scale);

  /**
   * One step of AdamW. With g = gradientScale[0] * gradient and t = step[0] (INT32, 1 at the first
   * step):
   *
   * <pre>
   * p = p * (1 - lr * weightDecay)
   * m = beta1 * m + (1 - beta1) * g
   * v = beta2 * v + (1 - beta2) * g^2
   * p = p - lr / (1 - beta1^t) * m / (sqrt(v / (1 - beta2^t)) + epsilon)
   * average = decay[0] * average + (1 - decay[0]) * p
   * rounded = p
   * </pre>
   *
   * with lr = learningRate[0]. Loshchilov and Hutter 2019, algorithm 2; in the order of {@code
   * torch.optim.AdamW}.
   *
   * @param average moves with the bits of {@link #movingAverage}; null where none is kept
   * @param rounded BFLOAT16, parallel to the parameters: p rounded to nearest even, with the bits
   *     of {@link Elementwise#copy}; null where no such copy is kept
   */
  void adamW(
      AdamSettings settings,
      Tensor learningRate,
      Tensor step,
      Tensor gradientScale,
      Tensor gradient,
      Tensor parameter,
      Tensor firstMoment,
      Tensor secondMoment,
      @Nullable Average average,
      @Nullable Tensor rounded);

  /** A moving average of the parameters, parallel to them, and its decay [1]. */
  record Average(Tensor decay, Tensor values) {}

  /** average = decay[0] * average + (1 - decay[0]) * parameter. */
  void movingAverage(Tensor decay, Tensor parameter, Tensor average);
}
