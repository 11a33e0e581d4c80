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

  /** Work on rows of a width. */
  @FunctionalInterface
  private interface Part {
    void run(long firstRow, long rows, long width);
  }

  /** Splits by rows; where all tensors are dense, each share is one row. */
  private void split(Part part, Tensor shape, Tensor... others) {
    boolean dense = shape.isDense();
    for (Tensor other : others) {
      dense &= other.isDense();
    }
    boolean flat = dense;
    long width = shape.channels();
    pool.run(
        worker -> {
          long from = worker.begin(shape.rows());
          long count = worker.end(shape.rows()) - from;
          if (count > 0 && flat) {
            part.run(from, 1, count * width);
          } else if (count > 0) {
            part.run(from, count, width);
          }
        });
  }

  @Override
  public void activate(Activation f, Tensor x, Tensor y) {
    split((r, n, w) -> kernels.activate(f, Rows.of(x, r), Rows.of(y, r), n, w), x, y);
  }

  @Override
  public void activateGradient(Activation f, Tensor x, Tensor dy, Tensor dx) {
    split(
        (r, n, w) ->
            kernels.activateGradient(f, Rows.of(x, r), Rows.of(dy, r), Rows.of(dx, r), n, w),
        x,
        dy,
        dx);
  }

  @Override
  public void add(Tensor a, Tensor b, Tensor y) {
    split((r, n, w) -> kernels.add(Rows.of(a, r), Rows.of(b, r), Rows.of(y, r), n, w), a, b, y);
  }

  @Override
  public void copy(Tensor x, Tensor y) {
    split((r, n, w) -> kernels.copy(Rows.of(x, r), Rows.of(y, r), n, w), x, y);
  }

  @Override
  public void fill(float value, Tensor y) {
    split((r, n, w) -> kernels.fill(value, Rows.of(y, r), n, w), y);
  }

  @Override
  public void clamp(Tensor x, float low, float high, Tensor y) {
    split((r, n, w) -> kernels.clamp(Rows.of(x, r), low, high, Rows.of(y, r), n, w), x, y);
  }

  @Override
  public void addPerSample(Tensor x, Tensor shift, Tensor y) {
    long pixels = x.shape().pixels();
    long width = x.channels();
    bySample(
        x,
        n ->
            kernels.addVector(
                Rows.of(x, n * pixels), Rows.of(shift, n), Rows.of(y, n * pixels), pixels, width));
  }

  @Override
  public void combinePerSample(Tensor a, Tensor x, Tensor b, Tensor y, Tensor z) {
    long perSample = x.rows() / x.shape().batch();
    long width = x.channels();
    boolean flat = x.isDense() && y.isDense() && z.isDense();
    bySample(
        x,
        n ->
            kernels.combine(
                Memory.getFloat(a.segment().address() + 4 * n),
                Rows.of(x, n * perSample),
                Memory.getFloat(b.segment().address() + 4 * n),
                Rows.of(y, n * perSample),
                Rows.of(z, n * perSample),
                flat ? 1 : perSample,
                flat ? perSample * width : width));
  }

  @Override
  public void gather(Tensor table, Tensor indices, Tensor y) {
    boolean column = table.shape().rank() == 1;
    long width = column ? 1 : table.channels();
    Rows from = Rows.of(table, 0);
    Rows to = Rows.of(y, 0);
    long step = column ? from.size() : from.stride();
    long stepTo = column ? to.size() : to.stride();
    for (long i = 0; i < indices.elements(); i++) {
      int index = Memory.getInt(indices.segment().address() + 4 * i);
      Rows row = new Rows(from.address() + index * step, step, from.low());
      kernels.copy(row, new Rows(to.address() + i * stepTo, stepTo, to.low()), 1, width);
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
