package dev.gatun.runtime.op;

import java.util.function.IntUnaryOperator;

/**
 * Normalization in double precision of an array that is cut into sets of equal size: the groups of
 * each sample, or the channels of a batch.
 */
final class NormalizedSets {
  private final int channels;
  private final int sets;
  private final int size;
  private final IntUnaryOperator setOf;

  private NormalizedSets(int elements, int channels, int sets, IntUnaryOperator setOf) {
    this.channels = channels;
    this.sets = sets;
    this.size = elements / sets;
    this.setOf = setOf;
  }

  static NormalizedSets ofGroups(int elements, int batch, int channels, int groups) {
    int sampleSize = elements / batch;
    int groupChannels = channels / groups;
    return new NormalizedSets(
        elements,
        channels,
        batch * groups,
        i -> i / sampleSize * groups + i % channels / groupChannels);
  }

  static NormalizedSets ofChannels(int elements, int channels) {
    return new NormalizedSets(elements, channels, channels, i -> i % channels);
  }

  /** How many elements a set has. */
  int size() {
    return size;
  }

  double[] mean(double[] x) {
    double[] mean = new double[sets];
    for (int i = 0; i < x.length; i++) {
      mean[setOf.applyAsInt(i)] += x[i] / size;
    }
    return mean;
  }

  /** The biased variance. */
  double[] variance(double[] x) {
    double[] mean = mean(x);
    double[] squares = new double[x.length];
    for (int i = 0; i < x.length; i++) {
      double difference = x[i] - mean[setOf.applyAsInt(i)];
      squares[i] = difference * difference;
    }
    return mean(squares);
  }

  static double[] reciprocalRoot(double[] variance, double epsilon) {
    double[] rstd = new double[variance.length];
    for (int i = 0; i < rstd.length; i++) {
      rstd[i] = 1 / Math.sqrt(variance[i] + epsilon);
    }
    return rstd;
  }

  double[] forward(
      Activation f, double[] x, double[] gamma, double[] beta, double[] mean, double[] rstd) {
    double[] y = new double[x.length];
    for (int i = 0; i < x.length; i++) {
      int set = setOf.applyAsInt(i);
      y[i] =
          ReferenceActivation.value(
              f, gamma[i % channels] * (x[i] - mean[set]) * rstd[set] + beta[i % channels]);
    }
    return y;
  }

  /** The gradients by x, gamma and beta, in this order. */
  double[][] gradient(
      Activation f,
      double[] x,
      double[] gamma,
      double[] beta,
      double[] mean,
      double[] rstd,
      double[] dy) {
    double[] normalized = new double[x.length];
    double[] dNormalized = new double[x.length];
    double[] product = new double[x.length];
    double[] dgamma = new double[channels];
    double[] dbeta = new double[channels];
    for (int i = 0; i < x.length; i++) {
      int set = setOf.applyAsInt(i);
      int c = i % channels;
      normalized[i] = (x[i] - mean[set]) * rstd[set];
      double dz = dy[i] * ReferenceActivation.derivative(f, gamma[c] * normalized[i] + beta[c]);
      dgamma[c] += dz * normalized[i];
      dbeta[c] += dz;
      dNormalized[i] = dz * gamma[c];
      product[i] = dNormalized[i] * normalized[i];
    }
    double[] meanGradient = mean(dNormalized);
    double[] meanProduct = mean(product);
    double[] dx = new double[x.length];
    for (int i = 0; i < x.length; i++) {
      int set = setOf.applyAsInt(i);
      dx[i] = rstd[set] * (dNormalized[i] - meanGradient[set] - normalized[i] * meanProduct[set]);
    }
    return new double[][] {dx, dgamma, dbeta};
  }
}
