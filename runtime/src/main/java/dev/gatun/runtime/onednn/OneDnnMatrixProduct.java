package dev.gatun.runtime.onednn;

import static dev.gatun.bindings.onednn.OneDnn.*;

import dev.gatun.runtime.op.MatrixProduct;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Linear maps by oneDNN's matrix product, each worker its rows; gradients of weights that are
 * larger than what they are summed over, each worker its outputs.
 */
final class OneDnnMatrixProduct implements MatrixProduct {

  /** Outputs of a weight that are multiplied together are a multiple of these. */
  private static final int STEP = 16;

  /** Rows to one output from which on there is less to add up in shares of the rows. */
  private static final int MOST_ROWS = 6;

  private final WorkerPool pool;
  private final Packing packing;

  OneDnnMatrixProduct(WorkerPool pool, Packing packing) {
    this.pool = pool;
    this.packing = packing;
  }

  @Override
  public void linear(Tensor x, Tensor weight, @Nullable Tensor bias, Tensor y) {
    int outputs = y.channels();
    int inputs = x.channels();
    product(x, weight, y, inputs, new Matrix(inputs, outputs, 1, inputs), bias);
  }

  @Override
  public void linearGradientInput(Tensor dy, Tensor weight, Tensor dx) {
    int outputs = dy.channels();
    int inputs = dx.channels();
    product(dy, weight, dx, outputs, new Matrix(outputs, inputs, inputs, 1), null);
  }

  /** A right factor: its extents and distances in a dense weight. */
  private record Matrix(long rows, long columns, long rowStride, long columnStride) {}

  /** y = x * (the weight as {@code right}) + bias. */
  private void product(
      Tensor x, Tensor weight, Tensor y, long inner, Matrix right, @Nullable Tensor bias) {
    DType type = x.dtype();
    DType result = type == DType.FLOAT32 ? DType.FLOAT32 : y.dtype();
    long w = packing.weights(pool, weight, type);
    pool.run(
        worker -> {
          long from = worker.begin(x.rows());
          long count = worker.end(x.rows()) - from;
          if (count == 0) {
            return;
          }
          long in = packing.denseRows(worker, Packing.FIRST, x, from, count, type);
          long out = packing.targetRows(worker, Packing.SECOND, y, from, count, result);
          MatrixKey key =
              new MatrixKey(
                  type,
                  result,
                  count,
                  right.columns(),
                  inner,
                  inner,
                  1,
                  right.rowStride(),
                  right.columnStride(),
                  bias != null);
          Primitive primitive = worker.primitive(key, k -> k.make(worker));
          if (bias != null) {
            primitive.run(worker, in, w, packing.bias(worker, bias), out);
          } else {
            primitive.run(worker, in, w, out);
          }
          packing.spreadRows(y, from, count, result, out);
        });
  }

  @Override
  public void linearGradientWeight(Tensor x, Tensor dy, Tensor dweight, @Nullable Tensor dbias) {
    int outputs = dy.channels();
    int inputs = x.channels();
    DType type = Packing.common(x, dy);
    if (x.rows() <= (long) MOST_ROWS * outputs
        && outputs % STEP == 0
        && dweight.dtype() == DType.FLOAT32) {
      gradientByOutputs(x, dy, type, dweight);
      if (dbias != null) {
        packing.sumRows(pool, dy, dbias);
      }
      return;
    }
    long[] partial = new long[pool.size()];
    long bytes = 4L * outputs * inputs;
    pool.run(
        worker -> {
          long from = worker.begin(x.rows());
          long count = worker.end(x.rows()) - from;
          if (count == 0) {
            return;
          }
          long in = packing.denseRows(worker, Packing.FIRST, x, from, count, type);
          long gradient = packing.denseRows(worker, Packing.SECOND, dy, from, count, type);
          long out = worker.scratch(Packing.WEIGHTS, bytes);
          partial[worker.index()] = out;
          MatrixKey key =
              new MatrixKey(
                  type, DType.FLOAT32, outputs, inputs, count, 1, outputs, inputs, 1, false);
          worker.primitive(key, k -> k.make(worker)).run(worker, gradient, in, out);
        });
    packing.finishGradient(pool, partial, dweight, dy, dbias);
  }

  /** dweight = dy^T x, each worker some of its rows: nothing is left to be added up. */
  private void gradientByOutputs(Tensor x, Tensor dy, DType type, Tensor dweight) {
    long inputs = x.channels();
    pool.share(
        dy.channels() / STEP,
        (worker, from, steps) -> {
          int first = from * STEP;
          int count = steps * STEP;
          long in = packing.denseRows(worker, Packing.FIRST, x, 0, x.rows(), type);
          Tensor part = dy.channelSlice(first, count);
          boolean inPlace = dy.dtype() == type;
          long gradient =
              inPlace
                  ? part.segment().address()
                  : packing.denseRows(worker, Packing.SECOND, part, 0, dy.rows(), type);
          long distance = inPlace ? part.rowStride() : count;
          MatrixKey key =
              new MatrixKey(
                  type, DType.FLOAT32, count, inputs, x.rows(), 1, distance, inputs, 1, false);
          worker
              .primitive(key, k -> k.make(worker))
              .run(worker, gradient, in, dweight.segment().address() + 4 * inputs * first);
        });
  }
}
