package dev.gatun.nn.op;

import dev.gatun.nn.autograd.GradientSlot;
import dev.gatun.nn.autograd.Variable;
import dev.gatun.runtime.op.Activation;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;

/** Batch normalization followed by an activation. Ioffe and Szegedy 2015, algorithms 1 and 2. */
public final class BatchNormalization {

  private BatchNormalization() {}

  /**
   * y = f(gamma[c] * (x - mean[c]) / sqrt(variance[c] + epsilon) + beta[c]): x and y [N, ..., C],
   * all others FLOAT32 [C].
   *
   * <p>On a recording tape the statistics are the batch's, and the running ones move by {@code
   * momentum} towards them (the variance unbiased); otherwise they are the running ones.
   */
  public static Variable batchNormalization(
      Variable x,
      Variable gamma,
      Variable beta,
      Tensor runningMean,
      Tensor runningVariance,
      float epsilon,
      float momentum,
      Activation f) {
    String name = "BatchNormalization";
    Shape perChannel = Shape.of(x.shape().channels());
    Check.perChannel(name, "gamma", gamma, x.shape().channels());
    Check.perChannel(name, "beta", beta, x.shape().channels());
    Check.shape(name, "runningMean", runningMean, DType.FLOAT32, perChannel);
    Check.shape(name, "runningVariance", runningVariance, DType.FLOAT32, perChannel);
    var tape = x.tape();
    var ops = x.backend().normalization();
    Tensor input = x.value();
    Tensor scale = gamma.value();
    Tensor shift = beta.value();
    Tensor y = tape.empty(x.dtype(), x.shape());
    if (!tape.isRecording()) {
      ops.batchNormInference(epsilon, f, input, scale, shift, runningMean, runningVariance, y);
      return tape.record(y, dy -> {}, x, gamma, beta);
    }
    Check.that(x.shape().rows() > 1, name, "more than one value per channel in training", x);
    Tensor mean = tape.temporary(DType.FLOAT32, perChannel);
    Tensor rstd = tape.temporary(DType.FLOAT32, perChannel);
    ops.batchNorm(
        epsilon, momentum, f, input, scale, shift, runningMean, runningVariance, y, mean, rstd);
    return tape.record(
        y,
        dy -> {
          try (GradientSlot dx = x.gradientSlot();
              GradientSlot dgamma = gamma.gradientSlot();
              GradientSlot dbeta = beta.gradientSlot()) {
            ops.batchNormGradient(
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
