package dev.gatun.runtime.onednn;

import dev.gatun.runtime.onednn.kernel.Memory;
import dev.gatun.runtime.onednn.kernel.NormalizationKernels;
import dev.gatun.runtime.onednn.kernel.Rows;
import dev.gatun.runtime.op.Activation;
import dev.gatun.runtime.op.Addends;
import dev.gatun.runtime.op.Normalization;
import dev.gatun.runtime.tensor.Tensor;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

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
    int batch = x.shape().batch();
    int pixels = x.shape().pixels();
    int channels = x.channels();
    int size = channels / groups;
    float[] g = floats(gamma);
    float[] b = floats(beta);
    float[] bias = addends.bias() == null ? null : floats(addends.bias());
    float[] means = new float[batch * groups];
    float[] rstds = new float[batch * groups];
    Tensor residual = addends.residual();
    boolean plain = addends.after() == null && residual == null;
    pool.run(
        worker -> {
          float[] pivot = new float[channels];
          float[] added = new float[channels];
          float[] after = new float[channels];
          float[] scale = new float[channels];
          float[] shift = new float[channels];
          double[] sums = new double[channels];
          double[] squares = new double[channels];
          Rows in = Rows.of(x, 0);
          Rows out = Rows.of(y, 0);
          Rows other = residual == null ? null : Rows.of(residual, 0);
          for (long n = worker.begin(batch); n < worker.end(batch); n++) {
            moments(in, n * pixels, pixels, pivot, sums, squares);
            before(addends, bias, n, added);
            for (int k = 0; k < groups; k++) {
              Statistics s = Statistics.of(pivot, added, sums, squares, k * size, size, pixels);
              float r = (float) (1 / Math.sqrt(s.variance() + epsilon));
              means[(int) n * groups + k] = (float) s.mean();
              rstds[(int) n * groups + k] = r;
              for (int c = k * size; c < (k + 1) * size; c++) {
                scale[c] = g[c] * r;
                shift[c] = (float) (b[c] - (s.mean() - added[c]) * scale[c]);
              }
            }
            if (plain) {
              kernels.apply(in, n * pixels, pixels, scale, shift, f, out);
            } else {
              if (addends.after() != null) {
                row(Rows.of(addends.after(), 0), n, after);
              }
              kernels.applyAndAdd(in, other, n * pixels, pixels, scale, shift, f, after, out);
            }
          }
        });
    put(mean, means);
    put(rstd, rstds);
  }

  /** added = bias + before[n]. */
  private static void before(Addends addends, float @Nullable [] bias, long n, float[] added) {
    if (addends.before() != null) {
      row(Rows.of(addends.before(), 0), n, added);
    } else if (bias != null) {
      Arrays.fill(added, 0f);
    }
    if (bias != null) {
      for (int c = 0; c < added.length; c++) {
        added[c] += bias[c];
      }
    }
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
    int pixels = x.shape().pixels();
    int channels = x.channels();
    int size = channels / groups;
    float[] g = floats(gamma);
    float[] b = floats(beta);
    float[] bias = addends.bias() == null ? null : floats(addends.bias());
    float[] means = floats(mean);
    float[] rstds = floats(rstd);
    Tensor dbias = dAddends.bias();
    Tensor dbefore = dAddends.before();
    Tensor dafter = dAddends.after();
    double[][] scales = new double[pool.size()][channels];
    double[][] shifts = new double[pool.size()][channels];
    double[][] biases = new double[pool.size()][dbias == null ? 0 : channels];
    pool.run(
        worker -> {
          double[] dScale = scales[worker.index()];
          double[] dShift = shifts[worker.index()];
          double[] dBias = biases[worker.index()];
          float[] added = new float[channels];
          float[] center = new float[channels];
          float[] scale = new float[channels];
          float[] shift = new float[channels];
          float[] byX = new float[channels];
          float[] constant = new float[channels];
          double[] sums = new double[channels];
          double[] products = new double[channels];
          float[] row = new float[channels];
          double[] sumsOfX = new double[channels];
          double[] squares = new double[channels];
          Rows in = Rows.of(x, 0);
          Rows gradient = Rows.of(dy, 0);
          Rows result = Rows.of(dx, 0);
          for (long n = worker.begin(batch); n < worker.end(batch); n++) {
            long first = n * pixels;
            before(addends, bias, n, added);
            for (int c = 0; c < channels; c++) {
              int group = (int) n * groups + c / size;
              float m = means[group] - added[c]; // of x alone
              center[c] = m;
              scale[c] = g[c] * rstds[group];
              shift[c] = (float) (b[c] - (double) m * scale[c]);
              sums[c] = 0;
              products[c] = 0;
            }
            kernels.gradientSums(
                in, gradient, first, pixels, scale, shift, f, center, sums, products);
            double count = (double) pixels * size;
            for (int k = 0; k < groups; k++) {
              double r = rstds[(int) n * groups + k];
              double sumDz = 0;
              double sumDzX = 0;
              for (int c = k * size; c < (k + 1) * size; c++) {
                dShift[c] += sums[c];
                dScale[c] += products[c] * r;
                sumDz += g[c] * sums[c];
                sumDzX += g[c] * products[c];
              }
              double slope = -r * r * r * sumDzX / count;
              for (int c = k * size; c < (k + 1) * size; c++) {
                byX[c] = (float) slope;
                constant[c] = (float) (-r * sumDz / count - slope * center[c]);
              }
            }
            if (dbias != null || dbefore != null) {
              // sum_p dx, from that of dz and that of x.
              Arrays.fill(sumsOfX, 0);
              kernels.moments(in, first, pixels, center, sumsOfX, squares);
              for (int c = 0; c < channels; c++) {
                double offset = constant[c] + (double) byX[c] * center[c];
                double sum = scale[c] * sums[c] + byX[c] * sumsOfX[c] + offset * pixels;
                if (dbias != null) {
                  dBias[c] += sum;
                }
                if (dbefore != null) {
                  row[c] = (float) sum;
                }
              }
              if (dbefore != null) {
                putRow(dbefore, n, row);
              }
            }
            if (dafter != null) {
              Arrays.fill(sumsOfX, 0);
              kernels.moments(gradient, first, pixels, new float[channels], sumsOfX, squares);
              for (int c = 0; c < channels; c++) {
                row[c] = (float) sumsOfX[c];
              }
              putRow(dafter, n, row);
            }
            kernels.gradientApply(
                in, gradient, first, pixels, scale, shift, f, scale, byX, constant, result);
          }
        });
    putSums(scales, dgamma);
    putSums(shifts, dbeta);
    if (dbias != null) {
      putSums(biases, dbias);
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
    row(Rows.of(x, 0), 0, pivot);
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
    double[] sum = total(sums);
    double[] square = total(squares);
    float[] none = new float[channels];
    float[] g = floats(gamma);
    float[] b = floats(beta);
    float[] means = new float[channels];
    float[] rstds = new float[channels];
    float[] runningMeans = floats(runningMean);
    float[] runningVariances = floats(runningVariance);
    float[] scale = new float[channels];
    float[] shift = new float[channels];
    for (int c = 0; c < channels; c++) {
      Statistics s = Statistics.of(pivot, none, sum, square, c, 1, rows);
      means[c] = (float) s.mean();
      rstds[c] = (float) (1 / Math.sqrt(s.variance() + epsilon));
      double unbiased = rows > 1 ? s.variance() * rows / (rows - 1) : s.variance();
      runningMeans[c] = (float) ((1 - momentum) * runningMeans[c] + momentum * s.mean());
      runningVariances[c] = (float) ((1 - momentum) * runningVariances[c] + momentum * unbiased);
      scale[c] = g[c] * rstds[c];
      shift[c] = (float) (b[c] - s.mean() * scale[c]);
    }
    put(mean, means);
    put(rstd, rstds);
    put(runningMean, runningMeans);
    put(runningVariance, runningVariances);
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
    float[] g = floats(gamma);
    float[] b = floats(beta);
    float[] means = floats(mean);
    float[] variances = floats(variance);
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
    float[] g = floats(gamma);
    float[] b = floats(beta);
    float[] center = floats(mean);
    float[] r = floats(rstd);
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
    double[] sum = total(sums);
    double[] product = total(products);
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
    put(dgamma, dScale);
    put(dbeta, dShift);
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

  private void moments(
      Rows x, long first, long rows, float[] pivot, double[] sums, double[] squares) {
    row(x, first, pivot);
    Arrays.fill(sums, 0);
    Arrays.fill(squares, 0);
    kernels.moments(x, first, rows, pivot, sums, squares);
  }

  /** Sums of differences from a row of the data do not cancel as sums of squares would. */
  private static void row(Rows x, long row, float[] pivot) {
    if (!x.low()) {
      Memory.getFloats(x.at(row), pivot);
      return;
    }
    for (int c = 0; c < pivot.length; c++) {
      pivot[c] = Memory.get(x.at(row) + (long) c * x.size(), true);
    }
  }

  private static void putRow(Tensor x, long row, float[] values) {
    Rows rows = Rows.of(x, row);
    if (!rows.low()) {
      Memory.putFloats(rows.address(), values);
      return;
    }
    for (int c = 0; c < values.length; c++) {
      Memory.put(rows.address() + (long) c * rows.size(), values[c], true);
    }
  }

  /** Mean and biased variance. */
  private record Statistics(double mean, double variance) {

    /**
     * Over {@code rows} of channels {@code from} to {@code from + count}, of which each has its own
     * pivot and is shifted by what is added.
     */
    static Statistics of(
        float[] pivot,
        float[] added,
        double[] sums,
        double[] squares,
        int from,
        int count,
        long rows) {
      double mean = 0;
      for (int c = from; c < from + count; c++) {
        mean += ((double) pivot[c] + added[c] + sums[c] / rows) / count;
      }
      double variance = 0;
      for (int c = from; c < from + count; c++) {
        double own = sums[c] / rows;
        double between = (double) pivot[c] + added[c] + own - mean;
        variance += (Math.max(0, squares[c] / rows - own * own) + between * between) / count;
      }
      return new Statistics(mean, variance);
    }
  }

  private static double[] total(double[][] parts) {
    double[] total = parts[0].clone();
    for (int i = 1; i < parts.length; i++) {
      for (int c = 0; c < total.length; c++) {
        total[c] += parts[i][c];
      }
    }
    return total;
  }

  private static void putSums(double[][] parts, Tensor y) {
    double[] total = total(parts);
    float[] rounded = new float[total.length];
    for (int c = 0; c < total.length; c++) {
      rounded[c] = (float) total[c];
    }
    put(y, rounded);
  }

  private static float[] floats(Tensor x) {
    float[] values = new float[(int) x.elements()];
    Memory.getFloats(x.segment().address(), values);
    return values;
  }

  private static void put(Tensor x, float[] values) {
    Memory.putFloats(x.segment().address(), values);
  }
}
