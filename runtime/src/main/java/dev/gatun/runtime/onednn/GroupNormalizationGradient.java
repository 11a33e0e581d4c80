package dev.gatun.runtime.onednn;

import dev.gatun.runtime.onednn.kernel.NormalizationKernels;
import dev.gatun.runtime.onednn.kernel.Rows;
import dev.gatun.runtime.op.Addends;
import dev.gatun.runtime.tensor.Tensor;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The gradients of one worker's samples by x, gamma, beta and what was added. With dz = dy f'(z)
 * and N numbers in a group: dx = rstd (gamma dz - sum(gamma dz) / N - xhat sum(gamma dz xhat) / N),
 * which is brought to scale dz + byX x + constant.
 */
final class GroupNormalizationGradient {

  private final GroupNormalization of;
  private final NormalizationKernels kernels;
  private final Rows mean;
  private final Rows rstd;
  private final boolean addsBefore;
  private final @Nullable Rows dBefore;
  private final @Nullable Rows dAfter;
  private final Rows in;
  private final Rows gradient;
  private final Rows result;
  private final float[] means;
  private final float[] rstds;
  private final float[] added;
  private final float[] center;
  private final float[] scale;
  private final float[] shift;
  private final float[] byX;
  private final float[] constant;
  private final float[] row;
  private final float[] zeros;
  private final double[] sums;
  private final double[] products;
  private final double[] sumsOfX;
  private final double[] squares;

  /** Sums over the samples so far. */
  final double[] dGamma;

  final double[] dBeta;
  final double[] dBias;

  GroupNormalizationGradient(
      GroupNormalization of,
      NormalizationKernels kernels,
      Tensor mean,
      Tensor rstd,
      Tensor dy,
      Tensor dx,
      Addends dAddends) {
    this.of = of;
    this.kernels = kernels;
    this.mean = Rows.of(mean, 0);
    this.rstd = Rows.of(rstd, 0);
    addsBefore = dAddends.enterBefore();
    dBefore = dAddends.before() == null ? null : Rows.of(dAddends.before(), 0);
    dAfter = dAddends.after() == null ? null : Rows.of(dAddends.after(), 0);
    means = new float[of.groups];
    rstds = new float[of.groups];
    in = Rows.of(of.x, 0);
    gradient = Rows.of(dy, 0);
    result = Rows.of(dx, 0);
    int channels = of.channels;
    added = new float[channels];
    center = new float[channels];
    scale = new float[channels];
    shift = new float[channels];
    byX = new float[channels];
    constant = new float[channels];
    row = new float[channels];
    zeros = new float[channels];
    sums = new double[channels];
    products = new double[channels];
    sumsOfX = new double[channels];
    squares = new double[channels];
    dGamma = new double[channels];
    dBeta = new double[channels];
    dBias = new double[channels];
  }

  void sample(long n) {
    long first = n * of.pixels;
    of.added(n, added);
    ChannelNumbers.get(mean, n, means);
    ChannelNumbers.get(rstd, n, rstds);
    scale();
    Arrays.fill(sums, 0);
    Arrays.fill(products, 0);
    kernels.gradientSums(
        in, gradient, first, of.pixels, scale, shift, of.f, center, sums, products);
    for (int k = 0; k < of.groups; k++) {
      group(k, rstds[k]);
    }
    if (addsBefore) {
      before(n);
    }
    if (dAfter != null) {
      Arrays.fill(sumsOfX, 0);
      kernels.moments(gradient, first, of.pixels, zeros, sumsOfX, squares);
      ChannelNumbers.round(sumsOfX, row);
      ChannelNumbers.put(row, dAfter, n);
    }
    kernels.gradientApply(
        in, gradient, first, of.pixels, scale, shift, of.f, scale, byX, constant, result);
  }

  private void scale() {
    for (int c = 0; c < of.channels; c++) {
      int group = c / of.size;
      center[c] = means[group] - added[c]; // of x alone
      scale[c] = of.gamma[c] * rstds[group];
      shift[c] = (float) (of.beta[c] - (double) center[c] * scale[c]);
    }
  }

  private void group(int k, double r) {
    int from = k * of.size;
    int to = from + of.size;
    double sumDz = 0;
    double sumDzX = 0;
    for (int c = from; c < to; c++) {
      dBeta[c] += sums[c];
      dGamma[c] += products[c] * r;
      sumDz += of.gamma[c] * sums[c];
      sumDzX += of.gamma[c] * products[c];
    }
    double count = (double) of.pixels * of.size;
    double slope = -r * r * r * sumDzX / count;
    for (int c = from; c < to; c++) {
      byX[c] = (float) slope;
      constant[c] = (float) (-r * sumDz / count - slope * center[c]);
    }
  }

  /** sum_p dx, from that of dz and that of x: the gradients by what every row had added. */
  private void before(long n) {
    Arrays.fill(sumsOfX, 0);
    kernels.moments(in, n * of.pixels, of.pixels, center, sumsOfX, squares);
    for (int c = 0; c < row.length; c++) {
      double offset = constant[c] + (double) byX[c] * center[c];
      double sum = scale[c] * sums[c] + byX[c] * sumsOfX[c] + offset * of.pixels;
      dBias[c] += sum;
      row[c] = (float) sum;
    }
    if (dBefore != null) {
      ChannelNumbers.put(row, dBefore, n);
    }
  }
}
