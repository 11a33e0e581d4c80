package dev.gatun.nn.op;

import dev.gatun.nn.autograd.Variable;
import dev.gatun.runtime.op.ConvolutionGeometry;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Two-dimensional transposed convolution, {@code torch.nn.ConvTranspose2d}: the input gradient of
 * the convolution from y to x, see {@link dev.gatun.runtime.op.Convolution}.
 */
public final class TransposedConvolution {

  private TransposedConvolution() {}

  /**
   * y[n, i s - p + u, j s - p + v, o] = bias[o] + the sum of x[n, i, j, c] * weight[c, u, v, o]: x
   * [N, H, W, I], weight [I, kernel, kernel, O], bias [O], y [N, H', W', O] of the compute dtype,
   * H' = (H - 1) stride - 2 padding + kernel + outputPadding.
   */
  public static Variable transposedConvolution(
      Variable x,
      Variable weight,
      @Nullable Variable bias,
      int stride,
      int padding,
      int outputPadding) {
    String name = "TransposedConvolution";
    Check.image(name, x);
    Check.that(weight.shape().rank() == 4, name, "weight of [I, kernel, kernel, O]", weight);
    Shape from = x.shape();
    int kernel = weight.shape().height();
    int channels = weight.shape().channels();
    Check.shape(name, "weight", weight, Shape.of(from.channels(), kernel, kernel, channels));
    Check.bias(name, bias, channels);
    Check.that(
        outputPadding >= 0 && outputPadding < stride,
        name,
        "outputPadding of 0 to stride - 1",
        outputPadding);
    ConvolutionGeometry geometry =
        new ConvolutionGeometry(
            from.batch(),
            (from.height() - 1) * stride - 2 * padding + kernel + outputPadding,
            (from.width() - 1) * stride - 2 * padding + kernel + outputPadding,
            channels,
            kernel,
            kernel,
            stride,
            padding,
            padding,
            from.height(),
            from.width(),
            from.channels());
    var ops = x.backend().convolution();
    Tensor input = x.value();
    Tensor y = x.tape().empty(geometry.inputShape());
    ops.inputGradient(geometry, input, weight.factor(x.dtype()), Check.valueOrNull(bias), y);
    return x.tape()
        .record(
            y,
            dy -> {
              weight.addGradient(dweight -> ops.weightGradient(geometry, dy, input, dweight, null));
              if (bias != null) {
                bias.addGradient(dbias -> sumRows(bias, dy, dbias));
              }
              x.addGradient(dx -> ops.forward(geometry, dy, weight.factor(dy.dtype()), null, dx));
            },
            Check.inputs(x, weight, bias));
  }

  private static void sumRows(Variable bias, Tensor dy, Tensor dbias) {
    var backend = bias.backend();
    if (dbias.dtype() == DType.FLOAT32) {
      backend.reduction().sumRows(dy, dbias);
    } else {
      bias.tape()
          .scratch(
              DType.FLOAT32,
              dbias.shape(),
              sum -> {
                backend.reduction().sumRows(dy, sum);
                backend.elementwise().copy(sum, dbias);
              });
    }
  }
}
