package dev.gatun.runtime.op;

import static dev.gatun.runtime.op.TensorValues.read;
import static dev.gatun.runtime.op.TensorValues.write;

import dev.gatun.runtime.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** {@link Normalization} as its formulas say. */
final class ReferenceNormalization implements Normalization {

  @Override
  public void groupNorm(
      int groups,
      float epsilon,
      Activation f,
      Tensor x,
      Addends addends,
      Tensor gamma,
      Tensor beta,
      Tensor y,
      Tensor mean,
      Tensor rstd) {
    NormalizedSets sets = groups(x, groups);
    int batch = x.shape().batch();
    ReferenceAddends added = ReferenceAddends.of(addends);
    double[] u = added.addBefore(read(x), batch);
    double[] means = sets.mean(u);
    double[] rstds = NormalizedSets.reciprocalRoot(sets.variance(u), epsilon);
    double[] z = sets.forward(f, u, read(gamma), read(beta), means, rstds);
    write(added.addBehind(z, batch), y);
    write(means, mean);
    write(rstds, rstd);
  }

  @Override
  public void groupNormGradient(
      int groups,
      Activation f,
      Tensor x,
      Addends addends,
      Tensor gamma,
      Tensor beta,
      Tensor mean,
      Tensor rstd,
      Tensor dy,
      Tensor dx,
      Tensor dgamma,
      Tensor dbeta,
      Addends dAddends) {
    int batch = x.shape().batch();
    double[] u = ReferenceAddends.of(addends).addBefore(read(x), batch);
    double[] dz = read(dy);
    double[][] gradients =
        groups(x, groups).gradient(f, u, read(gamma), read(beta), read(mean), read(rstd), dz);
    var added = ReferenceAddends.gradients(gradients[0], dz, batch, x.channels());
    write(gradients[0], dx);
    write(gradients[1], dgamma);
    write(gradients[2], dbeta);
    writeWhereWanted(added.bias(), dAddends.bias());
    writeWhereWanted(added.before(), dAddends.before());
    writeWhereWanted(added.after(), dAddends.after());
  }

  @Override
  public void batchNorm(
      float epsilon,
      float momentum,
      Activation f,
      Tensor x,
      Tensor gamma,
      Tensor beta,
      Tensor runningMean,
      Tensor runningVariance,
      Tensor y,
      Tensor mean,
      Tensor rstd) {
    NormalizedSets sets = channels(x);
    double[] in = read(x);
    double[] variance = sets.variance(in);
    for (int c = 0; c < variance.length; c++) {
      variance[c] *= (double) sets.size() / (sets.size() - 1);
    }
    move(runningMean, momentum, sets.mean(in));
    move(runningVariance, momentum, variance);
    normalize(sets, epsilon, f, x, gamma, beta, y, mean, rstd);
  }

  @Override
  public void batchNormInference(
      float epsilon,
      Activation f,
      Tensor x,
      Tensor gamma,
      Tensor beta,
      Tensor mean,
      Tensor variance,
      Tensor y) {
    double[] rstd = NormalizedSets.reciprocalRoot(read(variance), epsilon);
    write(channels(x).forward(f, read(x), read(gamma), read(beta), read(mean), rstd), y);
  }

  @Override
  public void batchNormGradient(
      Activation f,
      Tensor x,
      Tensor gamma,
      Tensor beta,
      Tensor mean,
      Tensor rstd,
      Tensor dy,
      Tensor dx,
      Tensor dgamma,
      Tensor dbeta) {
    gradient(channels(x), f, x, gamma, beta, mean, rstd, dy, dx, dgamma, dbeta);
  }

  private static void writeWhereWanted(double @Nullable [] values, @Nullable Tensor y) {
    if (y != null && values != null) {
      write(values, y);
    }
  }

  private static NormalizedSets groups(Tensor x, int groups) {
    return NormalizedSets.ofGroups(
        Math.toIntExact(x.elements()), x.shape().batch(), x.channels(), groups);
  }

  private static NormalizedSets channels(Tensor x) {
    return NormalizedSets.ofChannels(Math.toIntExact(x.elements()), x.channels());
  }

  private static void normalize(
      NormalizedSets sets,
      float epsilon,
      Activation f,
      Tensor x,
      Tensor gamma,
      Tensor beta,
      Tensor y,
      Tensor mean,
      Tensor rstd) {
    double[] in = read(x);
    double[] means = sets.mean(in);
    double[] rstds = NormalizedSets.reciprocalRoot(sets.variance(in), epsilon);
    write(sets.forward(f, in, read(gamma), read(beta), means, rstds), y);
    write(means, mean);
    write(rstds, rstd);
  }

  private static void gradient(
      NormalizedSets sets,
      Activation f,
      Tensor x,
      Tensor gamma,
      Tensor beta,
      Tensor mean,
      Tensor rstd,
      Tensor dy,
      Tensor dx,
      Tensor dgamma,
      Tensor dbeta) {
    double[][] gradients =
        sets.gradient(f, read(x), read(gamma), read(beta), read(mean), read(rstd), read(dy));
    write(gradients[0], dx);
    write(gradients[1], dgamma);
    write(gradients[2], dbeta);
  }

  private static void move(Tensor running, float momentum, double[] target) {
    double[] values = read(running);
    for (int c = 0; c < values.length; c++) {
      values[c] = (1.0 - momentum) * values[c] + momentum * target[c];
    }
    write(values, running);
  }
}
