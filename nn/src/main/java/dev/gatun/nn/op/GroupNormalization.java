package dev.gatun.nn.op;

import dev.gatun.nn.autograd.GradientSlot;
import dev.gatun.nn.autograd.Variable;
import dev.gatun.runtime.op.Activation;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;

/** Group normalization followed by an activation. Wu and He 2018. */
public final class GroupNormalization {

  private GroupNormalization() {}

  /**
   * y = f(gamma[c] * (x - mean[n,g]) / sqrt(variance[n,g] + epsilon) + beta[c]), with statistics
   * over the pixels of a sample and the C / groups channels of a group: x and y [N, ..., C], gamma
   * and beta FLOAT32 [C].
   */
  public static Variable groupNormalization(
      Variable x, Variable gamma, Variable beta, int groups, float epsilon, Activation f) {
    String name = "GroupNormalization";
    Shape shape = x.shape();
    int channels = shape.channels();
    Check.that(
        groups > 0 && channels % groups == 0,
        name,
        "a number of groups that divides the " + channels + " channels of x",
        groups + " groups");
    Check.perChannel(name, "gamma", gamma, channels);
    Check.perChannel(name, "beta", beta, channels);
    var tape = x.tape();
    var ops = x.backend().normalization();
    Tensor input = x.value();
    Tensor scale = gamma.value();
    Tensor shift = beta.value();
    Tensor y = tape.empty(x.dtype(), shape);
    Tensor mean = tape.temporary(DType.FLOAT32, Shape.of(shape.batch(), groups));
    Tensor rstd = tape.temporary(DType.FLOAT32, Shape.of(shape.batch(), groups));
    ops.groupNorm(groups, epsilon, f, input, scale, shift, y, mean, rstd);
    return tape.record(
        y,
        dy -> {
          try (GradientSlot dx = x.gradientSlot();
              GradientSlot dgamma = gamma.gradientSlot();
              GradientSlot dbeta = beta.gradientSlot()) {
            ops.groupNormGradient(
                groups,
                f,
                input,
                scale,
                shift,
                mean,
                rstd,
                dy,
                dx.tensor(),
                dgamma.tensor(),
                dbeta.tensor());
          }
        },
        x,
        gamma,
        beta);
  }
}
