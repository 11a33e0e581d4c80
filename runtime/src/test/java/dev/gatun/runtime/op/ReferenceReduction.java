package dev.gatun.runtime.op;

import static dev.gatun.runtime.op.TensorValues.read;
import static dev.gatun.runtime.op.TensorValues.write;

import dev.gatun.runtime.tensor.Tensor;
import java.util.Arrays;

/** {@link Reduction} as its formulas say. */
final class ReferenceReduction implements Reduction {

  @Override
  public void sumRows(Tensor x, Tensor y) {
    write(sumRows(read(x), x.channels()), y);
  }

  @Override
  public void sumPixels(Tensor x, Tensor y) {
    double[] in = read(x);
    int batch = x.shape().batch();
    int sampleSize = in.length / batch;
    double[] sums = new double[batch * x.channels()];
    for (int n = 0; n < batch; n++) {
      double[] sample = Arrays.copyOfRange(in, n * sampleSize, (n + 1) * sampleSize);
      System.arraycopy(sumRows(sample, x.channels()), 0, sums, n * x.channels(), x.channels());
    }
    write(sums, y);
  }

  @Override
  public void sumOfSquares(Tensor x, Tensor y) {
    double sum = 0;
    for (double value : read(x)) {
      sum += value * value;
    }
    write(new double[] {sum}, y);
  }

  @Override
  public void loss(
      LossFunction function, Tensor prediction, Tensor target, Tensor loss, Tensor gradient) {
    double[] p = read(prediction);
    double[] t = read(target);
    write(new double[] {loss(function, p, t)}, loss);
    write(lossGradient(function, p, t), gradient);
  }

  static double[] sumRows(double[] x, int channels) {
    double[] sums = new double[channels];
    for (int i = 0; i < x.length; i++) {
      sums[i % channels] += x[i];
    }
    return sums;
  }

  static double loss(LossFunction function, double[] prediction, double[] target) {
    double sum = 0;
    for (int i = 0; i < prediction.length; i++) {
      double e = prediction[i] - target[i];
      sum +=
          switch (function) {
            case MEAN_SQUARED -> e * e;
            case L1 -> Math.abs(e);
            case HUBER -> Math.abs(e) < 1 ? e * e / 2 : Math.abs(e) - 0.5;
          };
    }
    return sum / prediction.length;
  }

  static double[] lossGradient(LossFunction function, double[] prediction, double[] target) {
    double[] gradient = new double[prediction.length];
    for (int i = 0; i < prediction.length; i++) {
      double e = prediction[i] - target[i];
      double derivative =
          switch (function) {
            case MEAN_SQUARED -> 2 * e;
            case L1 -> Math.signum(e);
            case HUBER -> Math.abs(e) < 1 ? e : Math.signum(e);
          };
      gradient[i] = derivative / prediction.length;
    }
    return gradient;
  }
}
