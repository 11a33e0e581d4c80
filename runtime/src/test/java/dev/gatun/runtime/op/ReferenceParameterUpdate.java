package dev.gatun.runtime.op;

import static dev.gatun.runtime.op.TensorValues.read;
import static dev.gatun.runtime.op.TensorValues.write;

import dev.gatun.runtime.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** {@link ParameterUpdate} as its formulas say. */
final class ReferenceParameterUpdate implements ParameterUpdate {

  @Override
  public void clipScale(Tensor sumOfSquares, float maxNorm, Tensor scale) {
    write(new double[] {Math.min(1, maxNorm / (Math.sqrt(read(sumOfSquares)[0]) + 1e-6))}, scale);
  }

  @Override
  public void adamW(
      AdamSettings settings,
      Tensor learningRate,
      Tensor step,
      Tensor gradientScale,
      Tensor gradient,
      Tensor parameter,
      Tensor firstMoment,
      Tensor secondMoment,
      @Nullable Average average,
      @Nullable Tensor rounded) {
    double lr = read(learningRate)[0];
    double t = read(step)[0];
    double scale = read(gradientScale)[0];
    double beta1 = settings.beta1();
    double beta2 = settings.beta2();
    double[] gradients = read(gradient);
    double[] p = read(parameter);
    double[] m = read(firstMoment);
    double[] v = read(secondMoment);
    for (int i = 0; i < p.length; i++) {
      double g = scale * gradients[i];
      p[i] *= 1 - lr * settings.weightDecay();
      m[i] = beta1 * m[i] + (1 - beta1) * g;
      v[i] = beta2 * v[i] + (1 - beta2) * g * g;
      p[i] -=
          lr
              / (1 - Math.pow(beta1, t))
              * m[i]
              / (Math.sqrt(v[i] / (1 - Math.pow(beta2, t))) + settings.epsilon());
    }
    write(p, parameter);
    write(m, firstMoment);
    write(v, secondMoment);
    if (average != null) {
      movingAverage(average.decay(), parameter, average.values());
    }
    if (rounded != null) {
      write(p, rounded);
    }
  }

  @Override
  public void movingAverage(Tensor decay, Tensor parameter, Tensor average) {
    double d = read(decay)[0];
    double[] p = read(parameter);
    double[] a = read(average);
    for (int i = 0; i < a.length; i++) {
      a[i] = d * a[i] + (1 - d) * p[i];
    }
    write(a, average);
  }
}
