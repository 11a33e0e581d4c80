package dev.gatun.runtime.onednn;

import dev.gatun.runtime.onednn.kernel.ElementwiseKernels;
import dev.gatun.runtime.onednn.kernel.Memory;
import dev.gatun.runtime.onednn.kernel.Rows;
import dev.gatun.runtime.op.Activation;
import dev.gatun.runtime.op.Elementwise;
import dev.gatun.runtime.tensor.Tensor;

/** Elementwise functions, each worker its rows; dense tensors count as one long row. */
final class OneDnnElementwise implements Elementwise {

  private final WorkerPool pool;
  private final ElementwiseKernels kernels;

  OneDnnElementwise(WorkerPool pool, ElementwiseKernels kernels) {
    this.pool = pool;
    this.kernels = kernels;
  }

  /** Work on rows of a width, the first of which begin at an element of the tensors. */
  @FunctionalInterface
  private interface Part {
    void run(long firstRow, long firstElement, long rows, long width);
  }

  /** Splits by elements where all tensors are dense, by rows where one is not. */
  private void split(Part part, Tensor shape, Tensor... others) {
    boolean dense = shape.isDense();
    for (Tensor other : others) {
      dense &= other.isDense();
    }
    if (dense) {
      long elements = shape.elements();
      pool.run(
          worker -> {
            long from = worker.begin(elements);
            long count = worker.end(elements) - from;
            if (count > 0) {
              part.run(0, from, 1, count);
            }
          });
      return;
    }
    pool.run(
        worker -> {
          long from = worker.begin(shape.rows());
          long count = worker.end(shape.rows()) - from;
          if (count > 0) {
            part.run(from, 0, count, shape.channels());
          }
        });
  }

  private static Rows rows(Tensor x, long row, long element) {
    Rows rows = Rows.of(x, row);
    return new Rows(rows.address() + element * rows.size(), rows.stride(), rows.low());
  }

  @Override
  public void activate(Activation f, Tensor x, Tensor y) {
    split((r, e, n, w) -> kernels.activate(f, rows(x, r, e), rows(y, r, e), n, w), x, y);
  }

  @Override
  public void activateGradient(Activation f, Tensor x, Tensor dy, Tensor dx) {
    split(
        (r, e, n, w) ->
            kernels.activateGradient(f, rows(x, r, e), rows(dy, r, e), rows(dx, r, e), n, w),
        x,
        dy,
        dx);
  }

  @Override
  public void add(Tensor a, Tensor b, Tensor y) {
    split((r, e, n, w) -> kernels.add(rows(a, r, e), rows(b, r, e), rows(y, r, e), n, w), a, b, y);
  }

  @Override
  public void copy(Tensor x, Tensor y) {
    split(
        (r, e, n, w) -> {
          Rows from = rows(x, r, e);
          Rows to = rows(y, r, e);
          if (n == 1 && from.low() == to.low()) { // the system's copy needs no compiler first
            Memory.copy(from.address(), to.address(), w * to.size());
          } else {
            kernels.copy(from, to, n, w);
          }
        },
        x,
        y);
  }

  @Override
  public void fill(float value, Tensor y) {
    boolean zero = Float.floatToRawIntBits(value) == 0;
    split(
        (r, e, n, w) -> {
          Rows to = rows(y, r, e);
          if (n == 1 && zero) {
            Memory.zero(to.address(), w * to.size());
          } else {
            kernels.fill(value, to, n, w);
          }
        },
        y);
  }

  @Override
  public void clamp(Tensor x, float low, float high, Tensor y) {
    split((r, e, n, w) -> kernels.clamp(rows(x, r, e), low, high, rows(y, r, e), n, w), x, y);
  }

  @Override
  public void addPerSample(Tensor x, Tensor shift, Tensor y) {
    long pixels = x.shape().pixels();
    long width = x.channels();
    Rows from = Rows.of(x, 0);
    Rows by = Rows.of(shift, 0);
    Rows to = Rows.of(y, 0);
    bySample(x, n -> kernels.addVector(from, by, n, to, n * pixels, pixels, width));
  }

  @Override
  public void combinePerSample(Tensor a, Tensor x, Tensor b, Tensor y, Tensor z) {
    boolean flat = x.isDense() && y.isDense() && z.isDense();
    long perSample = x.rows() / x.shape().batch();
    long rows = flat ? 1 : perSample; // a dense sample is one long row
    long width = flat ? perSample * x.channels() : x.channels();
    Rows first = flat ? Rows.dense(Rows.of(x, 0).address(), width, x.dtype()) : Rows.of(x, 0);
    Rows second = flat ? Rows.dense(Rows.of(y, 0).address(), width, y.dtype()) : Rows.of(y, 0);
    Rows result = flat ? Rows.dense(Rows.of(z, 0).address(), width, z.dtype()) : Rows.of(z, 0);
    bySample(
        x,
        n ->
            kernels.combine(
                Memory.getFloat(a.segment().address() + 4 * n),
                first,
                Memory.getFloat(b.segment().address() + 4 * n),
                second,
                result,
                n * rows,
                rows,
                width));
  }

  @Override
  public void gather(Tensor table, Tensor indices, Tensor y) {
    boolean vector = table.shape().rank() == 1;
    int width = vector ? 1 : table.channels();
    Rows from =
        vector ? Rows.dense(Rows.of(table, 0).address(), 1, table.dtype()) : Rows.of(table, 0);
    Rows to = vector ? Rows.dense(Rows.of(y, 0).address(), 1, y.dtype()) : Rows.of(y, 0);
    int rows = table.shape().batch();
    for (long i = 0; i < indices.elements(); i++) {
      int index = Memory.getInt(indices.segment().address() + 4 * i);
      if (index < 0 || index >= rows) {
        throw new IllegalArgumentException(
            "gather: expected indices, or steps t, of 0 to " + (rows - 1) + ", got " + index);
      }
      long row = from.at(index);
      long place = to.at(i);
      for (int c = 0; c < width; c++) {
        float value = Memory.get(row + (long) c * from.size(), from.low());
        Memory.put(place + (long) c * to.size(), value, to.low());
      }
    }
  }

  /** Work on one sample. */
  @FunctionalInterface
  private interface Sample {
    void run(long n);
  }

  private void bySample(Tensor shape, Sample work) {
    int batch = shape.shape().batch();
    pool.run(
        worker -> {
          for (long n = worker.begin(batch); n < worker.end(batch); n++) {
            work.run(n);
          }
        });
  }
}
