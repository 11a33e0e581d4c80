package dev.gatun.runtime.op;

import dev.gatun.runtime.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Products of row matrices with a dense weight matrix [outputs, inputs], as {@code torch.nn.Linear}
 * keeps it; x and y are rows of channels.
 */
public interface MatrixProduct {

  /** y[r, o] = sum_i x[r, i] * weight[o, i] + bias[o]. */
  void linear(Tensor x, Tensor weight, @Nullable Tensor bias, Tensor y);

  /** dx[r, i] = sum_o dy[r, o] * weight[o, i]. */
  void linearGradientInput(Tensor dy, Tensor weight, Tensor dx);

  /** dweight[o, i] = sum_r dy[r, o] * x[r, i]; dbias[o] = sum_r dy[r, o]. */
  void linearGradientWeight(Tensor x, Tensor dy, Tensor dweight, @Nullable Tensor dbias);
}
