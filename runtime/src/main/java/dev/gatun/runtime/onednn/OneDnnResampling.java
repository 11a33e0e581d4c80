package dev.gatun.runtime.onednn;

import dev.gatun.runtime.onednn.kernel.ResamplingKernels;
import dev.gatun.runtime.onednn.kernel.Rows;
import dev.gatun.runtime.op.Resampling;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;

/**
 * Pooling and enlargement on our own kernels, each worker its samples. Enlarging is the gradient of
 * summing windows.
 */
final class OneDnnResampling implements Resampling {

  private final WorkerPool pool;
  private final ResamplingKernels kernels;

  OneDnnResampling(WorkerPool pool, ResamplingKernels kernels) {
    this.pool = pool;
    this.kernels = kernels;
  }

  @Override
  public void maxPool(int kernel, int stride, Tensor x, Tensor y, Tensor argmax) {
    Shape in = x.shape();
    Shape out = y.shape();
    bySample(
        in,
        n ->
            kernels.maxPool(
                kernel,
                stride,
                in.width(),
                in.channels(),
                Rows.of(x, n * in.pixels()),
                out.height(),
                out.width(),
                Rows.of(y, n * out.pixels()),
                argmax.segment().address() + n * out.pixels() * out.channels()));
  }

  @Override
  public void maxPoolGradient(int kernel, int stride, Tensor dy, Tensor argmax, Tensor dx) {
    Shape in = dx.shape();
    Shape out = dy.shape();
    bySample(
        in,
        n ->
            kernels.maxPoolGradient(
                kernel,
                stride,
                in.height(),
                in.width(),
                in.channels(),
                Rows.of(dy, n * out.pixels()),
                argmax.segment().address() + n * out.pixels() * out.channels(),
                out.height(),
                out.width(),
                Rows.of(dx, n * in.pixels())));
  }

  @Override
  public void averagePool(int kernel, int stride, Tensor x, Tensor y) {
    sumPool(kernel, stride, 1f / (kernel * kernel), x, y);
  }

  @Override
  public void averagePoolGradient(int kernel, int stride, Tensor dy, Tensor dx) {
    sumPoolGradient(kernel, stride, 1f / (kernel * kernel), dy, dx);
  }

  @Override
  public void nearest(int factor, Tensor x, Tensor y) {
    sumPoolGradient(factor, factor, 1f, x, y);
  }

  @Override
  public void nearestGradient(int factor, Tensor dy, Tensor dx) {
    sumPool(factor, factor, 1f, dy, dx);
  }

  private void sumPool(int kernel, int stride, float scale, Tensor x, Tensor y) {
    Shape in = x.shape();
    Shape out = y.shape();
    bySample(
        in,
        n ->
            kernels.sumPool(
                kernel,
                stride,
                scale,
                in.width(),
                in.channels(),
                Rows.of(x, n * in.pixels()),
                out.height(),
                out.width(),
                Rows.of(y, n * out.pixels())));
  }

  private void sumPoolGradient(int kernel, int stride, float scale, Tensor dy, Tensor dx) {
    Shape in = dx.shape();
    Shape out = dy.shape();
    bySample(
        in,
        n ->
            kernels.sumPoolGradient(
                kernel,
                stride,
                scale,
                in.height(),
                in.width(),
                in.channels(),
                Rows.of(dy, n * out.pixels()),
                out.height(),
                out.width(),
                Rows.of(dx, n * in.pixels())));
  }

  /** Work on one sample. */
  @FunctionalInterface
  private interface Sample {
    void run(long n);
  }

  private void bySample(Shape shape, Sample work) {
    pool.run(
        worker -> {
          for (long n = worker.begin(shape.batch()); n < worker.end(shape.batch()); n++) {
            work.run(n);
          }
        });
  }
}
