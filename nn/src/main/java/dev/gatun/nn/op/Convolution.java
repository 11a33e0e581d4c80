package dev.gatun.nn.op;

import dev.gatun.nn.autograd.Variable;
import dev.gatun.runtime.op.ConvolutionGeometry;
import dev.gatun.runtime.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** Two-dimensional convolution; the formulas are {@link dev.gatun.runtime.op.Convolution}'s. */
public final class Convolution {

  private Convolution() {}

  /**
   * y = bias + x * weight with the same padding on all sides: x [N, H, W, I], weight [O, kernel,
   * kernel, I], bias [O], y [N, H', W', O] of the compute dtype, H' = (H + 2 padding - kernel) /
   * stride + 1.
   */
  public static Variable convolution(
      Variable x, Variable weight, @Nullable Variable bias, int stride, int padding) {
    Check.image("Convolution", x);
    Check.that(
        weight.shape().rank() == 4, "Convolution", "weight of [O, kernel, kernel, I]", weight);
    int kernel = weight.shape().height();
    return convolution(
        x,
        weight,
        bias,
        ConvolutionGeometry.of(x.shape(), weight.shape().batch(), kernel, stride, padding));
  }

  /** As above, with any geometry: unequal padding, for instance. */
  public static Variable convolution(
      Variable x, Variable weight, @Nullable Variable bias, ConvolutionGeometry geometry) {
    Check.shape("Convolution", "x", x, geometry.inputShape());
    Check.shape("Convolution", "weight", weight, geometry.weightShape());
    Check.bias("Convolution", bias, geometry.outChannels());
    var ops = x.backend().convolution();
    Tensor input = x.value();
    Tensor y = x.tape().empty(geometry.outputShape());
    ops.forward(geometry, input, weight.factor(x.dtype()), Check.valueOrNull(bias), y);
    return x.tape()
        .record(
            y,
            dy -> {
              if (Check.requiresGradient(weight, bias)) {
                ParameterGradients.write(
                    weight,
                    bias,
                    (dweight, dbias) -> ops.weightGradient(geometry, input, dy, dweight, dbias));
              }
              x.addGradient(
                  dx -> ops.inputGradient(geometry, dy, weight.factor(dy.dtype()), null, dx));
            },
            Check.inputs(x, weight, bias));
  }
}
