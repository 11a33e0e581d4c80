package dev.gatun.nn.op;

import dev.gatun.nn.autograd.Variable;
import dev.gatun.runtime.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** A matrix product with a bias, {@code torch.nn.Linear}. */
public final class Linear {

  private Linear() {}

  /**
   * y[r, o] = sum_i x[r, i] * weight[o, i] + bias[o]: x [..., I], weight [O, I], bias [O], y [...,
   * O] of the compute dtype.
   */
  public static Variable linear(Variable x, Variable weight, @Nullable Variable bias) {
    Check.that(weight.shape().rank() == 2, "Linear", "weight of [O, I]", weight);
    Check.channels("Linear", x, weight.shape().channels());
    Check.bias("Linear", bias, weight.shape().batch());
    var ops = x.backend().matrixProduct();
    Tensor input = x.value();
    Tensor y = x.tape().empty(x.shape().withChannels(weight.shape().batch()));
    ops.linear(input, weight.factor(x.dtype()), Check.valueOrNull(bias), y);
    return x.tape()
        .record(
            y,
            dy -> {
              if (Check.requiresGradient(weight, bias)) {
                ParameterGradients.write(
                    weight,
                    bias,
                    (dweight, dbias) -> ops.linearGradientWeight(input, dy, dweight, dbias));
              }
              x.addGradient(dx -> ops.linearGradientInput(dy, weight.factor(dy.dtype()), dx));
            },
            Check.inputs(x, weight, bias));
  }
}
