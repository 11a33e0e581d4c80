package dev.gatun.runtime.onednn;

import dev.gatun.runtime.onednn.kernel.NormalizationKernels;
import dev.gatun.runtime.onednn.kernel.Rows;
import dev.gatun.runtime.op.Activation;
import dev.gatun.runtime.op.Addends;
import dev.gatun.runtime.op.Normalization;
import dev.gatun.runtime.tensor.Tensor;

/**
 * Group and batch normalization on our own kernels: oneDNN's gradient of group normalization is a
 * reference implementation.
 *
 * <p>Each is brought to a scale and a shift per channel, z = scale x + shift. A sample of a group
 * normalization stays in the cache between its passes.
 */
final class OneDnnNormalization implements Normalization {

  private final WorkerPool pool;
  private final NormalizationKernels kernels;

  OneDnnNormalization(WorkerPool pool, NormalizationKernels kernels) {
    this.pool = pool;
    this.kernels = kernels;
  }

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
    new GroupNormalization(groups, f, x, addends, gamma, beta)
        .forward(pool, kernels, epsilon, y, mean, rstd);
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
    var normalization = new GroupNormalization(groups, f, x, addends, gamma, beta);
    int batch = normalization.batch;
    double[][] dGammas = new double[pool.size()][];
    double[][] dBetas = new double[pool.size()][];
    double[][] dBiases = new double[pool.size()][];
    pool.run(
        worker -> {
          var gradient =
              new GroupNormalizationGradient(normalization, kernels, mean, rstd, dy, dx, dAddends);
          for (long n = worker.begin(batch); n < worker.end(batch); n++) {
            gradient.sample(n);
          }
          dGammas[worker.index()] = gradient.dGamma;
          dBetas[worker.index()] = gradient.dBeta;
          dBiases[worker.index()] = gradient.dBias;
        });
    ChannelNumbers.putTotal(dGammas, dgamma);
    ChannelNumbers.putTotal(dBetas, dbeta);
    if (dAddends.bias() != null) {
      ChannelNumbers.putTotal(dBiases, dAddends.bias());
    }
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
    int channels = x.channels();
    long rows = x.rows();
    float[] pivot = new float[channels];
    ChannelNumbers.get(Rows.of(x, 0), 0, pivot);
    double[][] sums = new double[pool.size()][channels];
    double[][] squares = new double[pool.size()][channels];
    pool.run(
        worker -> {
          long from = worker.begin(rows);
          kernels.moments(
              Rows.of(x, 0),
              from,
              worker.end(rows) - from,
              pivot,
              sums[worker.index()],
              squares[worker.index()]);
        });
    double[] sum = ChannelNumbers.total(sums);
    double[] square = ChannelNumbers.total(squares);
    float[] none = new float[channels];
    float[] g = ChannelNumbers.of(gamma);
    float[] b = ChannelNumbers.of(beta);
    float[] means = new float[channels];
    float[] rstds = new float[channels];
    float[] runningMeans = ChannelNumbers.of(runningMean);
    float[] runningVariances = ChannelNumbers.of(runningVariance);
    float[] scale = new float[channels];
    float[] shift = new float[channels];
    for (int c = 0; c < channels; c++) {
      double m = ChannelStatistics.mean(pivot, none, sum, c, 1, rows);
      double v = ChannelStatistics.variance(m, pivot, none, sum, square, c, 1, rows);
      means[c] = (float) m;
      rstds[c] = (float) (1 / Math.sqrt(v + epsilon));
      double unbiased = rows > 1 ? v * rows / (rows - 1) : v;
      runningMeans[c] = (float) ((1 - momentum) * runningMeans[c] + momentum * m);
      runningVariances[c] = (float) ((1 - momentum) * runningVariances[c] + momentum * unbiased);
      scale[c] = g[c] * rstds[c];
      shift[c] = (float) (b[c] - m * scale[c]);
    }
    ChannelNumbers.put(means, mean);
    ChannelNumbers.put(rstds, rstd);
    ChannelNumbers.put(runningMeans, runningMean);
    ChannelNumbers.put(runningVariances, runningVariance);
    apply(x, scale, shift, f, y);
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
    int channels = x.channels();
    float[] g = ChannelNumbers.of(gamma);
    float[] b = ChannelNumbers.of(beta);
    float[] means = ChannelNumbers.of(mean);
    float[] variances = ChannelNumbers.of(variance);
    float[] scale = new float[channels];
    float[] shift = new float[channels];
    for (int c = 0; c < channels; c++) {
      scale[c] = (float) (g[c] / Math.sqrt((double) variances[c] + epsilon));
      shift[c] = (float) (b[c] - (double) means[c] * scale[c]);
    }
    apply(x, scale, shift, f, y);
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
    int channels = x.channels();
    long rows = x.rows();
    float[] g = ChannelNumbers.of(gamma);
    float[] b = ChannelNumbers.of(beta);
    float[] center = ChannelNumbers.of(mean);
    float[] r = ChannelNumbers.of(rstd);
    float[] scale = new float[channels];
    float[] shift = new float[channels];
    for (int c = 0; c < channels; c++) {
      scale[c] = g[c] * r[c];
      shift[c] = (float) (b[c] - (double) center[c] * scale[c]);
    }
    double[][] sums = new double[pool.size()][channels];
    double[][] products = new double[pool.size()][channels];
    pool.run(
        worker -> {
          long from = worker.begin(rows);
          kernels.gradientSums(
              Rows.of(x, 0),
              Rows.of(dy, 0),
              from,
              worker.end(rows) - from,
              scale,
              shift,
              f,
              center,
              sums[worker.index()],
              products[worker.index()]);
        });
    double[] sum = ChannelNumbers.total(sums);
    double[] product = ChannelNumbers.total(products);
    float[] dScale = new float[channels];
    float[] dShift = new float[channels];
    float[] byX = new float[channels];
    float[] constant = new float[channels];
    for (int c = 0; c < channels; c++) {
      double rc = r[c];
      double slope = -rc * rc * rc * g[c] * product[c] / rows;
      dScale[c] = (float) (product[c] * rc);
      dShift[c] = (float) sum[c];
      byX[c] = (float) slope;
      constant[c] = (float) (-rc * g[c] * sum[c] / rows - slope * center[c]);
    }
    ChannelNumbers.put(dScale, dgamma);
    ChannelNumbers.put(dShift, dbeta);
    pool.run(
        worker -> {
          long from = worker.begin(rows);
          kernels.gradientApply(
              Rows.of(x, 0),
              Rows.of(dy, 0),
              from,
              worker.end(rows) - from,
              scale,
              shift,
              f,
              scale,
              byX,
              constant,
              Rows.of(dx, 0));
        });
  }

  private void apply(Tensor x, float[] scale, float[] shift, Activation f, Tensor y) {
    long rows = x.rows();
    pool.run(
        worker -> {
          long from = worker.begin(rows);
          kernels.apply(
              Rows.of(x, 0), from, worker.end(rows) - from, scale, shift, f, Rows.of(y, 0));
        });
  }
}
