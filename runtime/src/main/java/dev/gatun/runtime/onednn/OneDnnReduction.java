package dev.gatun.runtime.onednn;

import dev.gatun.runtime.onednn.kernel.Memory;
import dev.gatun.runtime.onednn.kernel.ReductionKernels;
import dev.gatun.runtime.onednn.kernel.Rows;
import dev.gatun.runtime.op.LossFunction;
import dev.gatun.runtime.op.Reduction;
import dev.gatun.runtime.tensor.Tensor;
import java.util.Arrays;

/** Sums on our own kernels: each worker its rows, then the workers' sums in their order. */
final class OneDnnReduction implements Reduction {

  private final WorkerPool pool;
  private final Packing packing;
  private final ReductionKernels kernels;

  OneDnnReduction(WorkerPool pool, Packing packing, ReductionKernels kernels) {
    this.pool = pool;
    this.packing = packing;
    this.kernels = kernels;
  }

  @Override
  public void sumRows(Tensor x, Tensor y) {
    packing.sumRows(pool, x, y);
  }

  @Override
  public void sumPixels(Tensor x, Tensor y) {
    int batch = x.shape().batch();
    int pixels = x.shape().pixels();
    pool.run(
        worker -> {
          double[] sums = new double[x.channels()];
          float[] row = new float[x.channels()];
          Rows in = Rows.of(x, 0);
          Rows out = Rows.of(y, 0);
          for (long n = worker.begin(batch); n < worker.end(batch); n++) {
            Arrays.fill(sums, 0);
            kernels.sumRows(in, n * pixels, pixels, sums);
            ChannelNumbers.round(sums, row);
            ChannelNumbers.put(row, out, n);
          }
        });
  }

  @Override
  public void sumOfSquares(Tensor x, Tensor y) {
    double[] sums = new double[pool.size()];
    boolean flat = x.isDense();
    long parts = flat ? x.elements() : x.rows();
    pool.run(
        worker -> {
          long from = worker.begin(parts);
          long count = worker.end(parts) - from;
          if (count > 0 && flat) {
            sums[worker.index()] = kernels.sumOfSquares(part(column(x, true), from), 1, count);
          } else if (count > 0) {
            sums[worker.index()] = kernels.sumOfSquares(Rows.of(x, from), count, x.channels());
          }
        });
    put(y, sums, 1);
  }

  @Override
  public void loss(
      LossFunction function, Tensor prediction, Tensor target, Tensor loss, Tensor gradient) {
    double[] sums = new double[pool.size()];
    float scale = 1f / prediction.elements();
    boolean flat = prediction.isDense() && target.isDense() && gradient.isDense();
    long width = flat ? 1 : prediction.channels(); // dense, they are one column of elements
    long parts = flat ? prediction.elements() : prediction.rows();
    Rows p = column(prediction, flat);
    Rows t = column(target, flat);
    Rows g = column(gradient, flat);
    pool.run(
        worker -> {
          long from = worker.begin(parts);
          long count = worker.end(parts) - from;
          sums[worker.index()] =
              kernels.loss(
                  function,
                  part(p, from),
                  part(t, from),
                  scale,
                  part(g, from),
                  flat ? 1 : count,
                  flat ? count : width);
        });
    put(loss, sums, prediction.elements());
  }

  private static Rows column(Tensor x, boolean flat) {
    return flat ? Rows.dense(Rows.of(x, 0).address(), 1, x.dtype()) : Rows.of(x, 0);
  }

  private static Rows part(Rows rows, long from) {
    return new Rows(rows.at(from), rows.stride(), rows.low());
  }

  private static void put(Tensor y, double[] parts, double divisor) {
    double total = 0;
    for (double part : parts) {
      total += part;
    }
    Memory.putFloat(y.segment().address(), (float) (total / divisor));
  }
}
