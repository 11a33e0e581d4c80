package dev.gatun.runtime.onednn;

import dev.gatun.runtime.onednn.kernel.NormalizationKernels;
import dev.gatun.runtime.onednn.kernel.Rows;
import dev.gatun.runtime.op.Activation;
import dev.gatun.runtime.op.Addends;
import dev.gatun.runtime.tensor.Tensor;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A group normalization, y = f(gamma (x + added - mean) rstd + beta): its numbers of channels, and
 * the forward pass, a sample at a time, which stays in the cache from one reading to the next.
 */
final class GroupNormalization {

  final int groups;
  final int batch;
  final int pixels;
  final int channels;

  /** Channels of a group. */
  final int size;

  final Activation f;
  final Tensor x;
  final float[] gamma;
  final float[] beta;
  private final Addends addends;
  private final float @Nullable [] bias;
  private final @Nullable Rows before;

  GroupNormalization(
      int groups, Activation f, Tensor x, Addends addends, Tensor gamma, Tensor beta) {
    this.groups = groups;
    this.f = f;
    this.x = x;
    this.addends = addends;
    this.gamma = ChannelNumbers.of(gamma);
    this.beta = ChannelNumbers.of(beta);
    bias = addends.bias() == null ? null : ChannelNumbers.of(addends.bias());
    before = addends.before() == null ? null : Rows.of(addends.before(), 0);
    batch = x.shape().batch();
    pixels = x.shape().pixels();
    channels = x.channels();
    size = channels / groups;
  }

  /** added = bias + before[n]. */
  void added(long n, float[] added) {
    if (before != null) {
      ChannelNumbers.get(before, n, added);
    } else if (bias != null) {
      Arrays.fill(added, 0f);
    }
    if (bias != null) {
      for (int c = 0; c < channels; c++) {
        added[c] += bias[c];
      }
    }
  }

  void forward(
      WorkerPool pool,
      NormalizationKernels kernels,
      float epsilon,
      Tensor y,
      Tensor mean,
      Tensor rstd) {
    pool.run(
        worker -> {
          Sample sample = new Sample(kernels, epsilon, y, mean, rstd);
          for (long n = worker.begin(batch); n < worker.end(batch); n++) {
            sample.forward(n);
          }
        });
  }

  /** One worker's sample. */
  private final class Sample {
    private final NormalizationKernels kernels;
    private final float epsilon;
    private final Rows in = Rows.of(x, 0);
    private final Rows out;
    private final Rows mean;
    private final Rows rstd;
    private final @Nullable Rows after;
    private final @Nullable Rows residual;
    private final float[] means = new float[groups];
    private final float[] rstds = new float[groups];
    private final float[] pivot = new float[channels];
    private final float[] added = new float[channels];
    private final float[] addedAfter = new float[channels];
    private final float[] scale = new float[channels];
    private final float[] shift = new float[channels];
    private final double[] sums = new double[channels];
    private final double[] squares = new double[channels];

    Sample(NormalizationKernels kernels, float epsilon, Tensor y, Tensor mean, Tensor rstd) {
      this.kernels = kernels;
      this.epsilon = epsilon;
      this.out = Rows.of(y, 0);
      this.mean = Rows.of(mean, 0);
      this.rstd = Rows.of(rstd, 0);
      after = addends.after() == null ? null : Rows.of(addends.after(), 0);
      residual = addends.residual() == null ? null : Rows.of(addends.residual(), 0);
    }

    void forward(long n) {
      long first = n * pixels;
      ChannelNumbers.get(in, first, pivot); // sums of differences do not cancel
      Arrays.fill(sums, 0);
      Arrays.fill(squares, 0);
      kernels.moments(in, first, pixels, pivot, sums, squares);
      added(n, added);
      for (int k = 0; k < groups; k++) {
        int from = k * size;
        double m = ChannelStatistics.mean(pivot, added, sums, from, size, pixels);
        double variance =
            ChannelStatistics.variance(m, pivot, added, sums, squares, from, size, pixels);
        float r = (float) (1 / Math.sqrt(variance + epsilon));
        means[k] = (float) m;
        rstds[k] = r;
        scaleGroup(from, m, r);
      }
      ChannelNumbers.put(means, mean, n);
      ChannelNumbers.put(rstds, rstd, n);
      if (residual == null && after == null) {
        kernels.apply(in, first, pixels, scale, shift, f, out);
        return;
      }
      if (after != null) {
        ChannelNumbers.get(after, n, addedAfter);
      }
      kernels.applyAndAdd(in, residual, first, pixels, scale, shift, f, addedAfter, out);
    }

    private void scaleGroup(int from, double m, float r) {
      for (int c = from; c < from + size; c++) {
        scale[c] = gamma[c] * r;
        shift[c] = (float) (beta[c] - (m - added[c]) * scale[c]);
      }
    }
  }
}
