package dev.gatun.runtime.onednn;

import dev.gatun.runtime.onednn.kernel.Kernels;
import dev.gatun.runtime.onednn.kernel.Rows;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Brings tensors into the form that oneDNN's fast paths take, dense and of one type, by a copy in
 * the worker's scratch memory where they are not in it already.
 */
final class Packing {

  // The worker's scratch memories that convolutions and matrix products use, by what is in them.

  /** Weights as the primitives take them, or the gradient of a worker's share. */
  static final int WEIGHTS = 1;

  /** The first operand. */
  static final int FIRST = 2;

  /** The second operand, or the result. */
  static final int SECOND = 3;

  static final int BIAS = 4;
  static final int TILES = 5;
  static final int TILED_BIAS = 6;
  static final int PIXEL = 7;

  /** What all workers make together and read: transformed tiles or weights, windows, pairs. */
  static final int SHARED = 8;

  private final Kernels kernels;

  Packing(Kernels kernels) {
    this.kernels = kernels;
  }

  /**
   * The address of samples {@code from} to {@code from + count} of {@code x}, dense and as {@code
   * dtype}.
   */
  long dense(Worker worker, int scratch, Tensor x, int from, int count, DType dtype) {
    long perSample = x.rows() / x.shape().batch();
    return denseRows(worker, scratch, x, from * perSample, count * perSample, dtype);
  }

  /**
   * The address of rows {@code from} to {@code from + count} of {@code x}, dense and as {@code
   * dtype}.
   */
  long denseRows(Worker worker, int scratch, Tensor x, long from, long count, DType dtype) {
    Rows rows = Rows.of(x, from);
    if (x.dtype() == dtype && x.isDense()) {
      return rows.address();
    }
    int width = x.channels();
    long copy = worker.scratch(scratch, count * width * dtype.byteSize());
    kernels.elementwise().copy(rows, Rows.dense(copy, width, dtype), count, width);
    return copy;
  }

  /**
   * Where samples {@code from} to {@code from + count} of {@code y} are to be written, dense and as
   * {@code dtype}.
   */
  long target(Worker worker, int scratch, Tensor y, int from, int count, DType dtype) {
    long perSample = y.rows() / y.shape().batch();
    return targetRows(worker, scratch, y, from * perSample, count * perSample, dtype);
  }

  long targetRows(Worker worker, int scratch, Tensor y, long from, long count, DType dtype) {
    if (y.dtype() == dtype && y.isDense()) {
      return Rows.of(y, from).address();
    }
    return worker.scratch(scratch, count * y.channels() * dtype.byteSize());
  }

  /**
   * Brings what was written at {@code written}, from {@link #target}, to its place in {@code y}.
   */
  void spread(Tensor y, int from, int count, DType dtype, long written) {
    long perSample = y.rows() / y.shape().batch();
    spreadRows(y, from * perSample, count * perSample, dtype, written);
  }

  void spreadRows(Tensor y, long from, long count, DType dtype, long written) {
    Rows rows = Rows.of(y, from);
    if (rows.address() != written) {
      int width = y.channels();
      kernels.elementwise().copy(Rows.dense(written, width, dtype), rows, count, width);
    }
  }

  /** In which type two operands are multiplied: BFLOAT16 where both are. */
  static DType common(Tensor a, Tensor b) {
    boolean low = a.dtype() == DType.BFLOAT16 && b.dtype() == DType.BFLOAT16;
    return low ? DType.BFLOAT16 : DType.FLOAT32;
  }

  /** The address of all rows of a weight, dense and as {@code dtype}, for all workers to read. */
  long weights(WorkerPool pool, Tensor weight, DType dtype) {
    long[] address = new long[1];
    pool.runHere(
        worker -> address[0] = denseRows(worker, WEIGHTS, weight, 0, weight.rows(), dtype));
    return address[0];
  }

  /**
   * dweight = the sum of the workers' shares of it, at the addresses that are not zero; dbias = the
   * sum of dy's rows.
   */
  void finishGradient(
      WorkerPool pool, long[] shares, Tensor dweight, Tensor dy, @Nullable Tensor dbias) {
    putTotal(pool, shares, dweight);
    if (dbias != null) {
      sumRows(pool, dy, dbias);
    }
  }

  /** to = the sum of the workers' FLOAT32 shares of it, at the addresses that are not zero. */
  void putTotal(WorkerPool pool, long[] shares, Tensor to) {
    sumInto(pool, shares, to.elements());
    copy(first(shares), DType.FLOAT32, to.segment().address(), to.dtype(), to.elements());
  }

  /** The address of a bias as dense FLOAT32, the only type that every primitive takes. */
  long bias(Worker worker, Tensor bias) {
    return denseRows(worker, BIAS, bias, 0, bias.rows(), DType.FLOAT32);
  }

  /** As {@link #spread}, with {@code bias} added to every row. */
  void spreadWithBias(Tensor y, int from, int count, DType dtype, long written, Tensor bias) {
    long perSample = y.rows() / y.shape().batch();
    int width = y.channels();
    kernels
        .elementwise()
        .addVector(
            Rows.dense(written, width, dtype),
            Rows.of(bias, 0),
            0,
            Rows.of(y, from * perSample),
            0,
            count * perSample,
            width);
  }

  /** {@code count} numbers from one type to another. */
  void copy(long from, DType fromType, long to, DType toType, long count) {
    kernels
        .elementwise()
        .copy(Rows.dense(from, count, fromType), Rows.dense(to, count, toType), 1, count);
  }

  /**
   * Adds the ranges at the other non-zero addresses to the first, in their order, on all workers.
   */
  void sumInto(WorkerPool pool, long[] parts, long floats) {
    long total = first(parts);
    pool.run(
        worker -> {
          long from = worker.begin(floats);
          long count = worker.end(floats) - from;
          for (long part : parts) {
            if (part != 0 && part != total) {
              kernels.reduction().accumulate(part + 4 * from, total + 4 * from, count);
            }
          }
        });
  }

  /** y[c] = sum_r x[r, c], each worker its rows. */
  void sumRows(WorkerPool pool, Tensor x, Tensor y) {
    double[][] sums = new double[pool.size()][x.channels()];
    pool.run(
        worker -> {
          long from = worker.begin(x.rows());
          kernels
              .reduction()
              .sumRows(Rows.of(x, 0), from, worker.end(x.rows()) - from, sums[worker.index()]);
        });
    ChannelNumbers.putTotal(sums, y);
  }

  /** The first address that is not zero. */
  static long first(long[] addresses) {
    for (long address : addresses) {
      if (address != 0) {
        return address;
      }
    }
    throw new IllegalStateException("no worker had work");
  }
}
