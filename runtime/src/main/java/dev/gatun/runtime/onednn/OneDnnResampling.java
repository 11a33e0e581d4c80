package dev.gatun.runtime.onednn;

import dev.gatun.runtime.onednn.kernel.Pooling;
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
    Pooling p = Pooling.of(kernel, stride, x.shape(), y.shape());
    Rows from = Rows.of(x, 0);
    Rows to = Rows.of(y, 0);
    long places = argmax.segment().address();
    bySample(x.shape(), n -> kernels.maxPool(p, n, from, to, places));
  }

  @Override
  public void maxPoolGradient(int kernel, int stride, Tensor dy, Tensor argmax, Tensor dx) {
    Pooling p = Pooling.of(kernel, stride, dx.shape(), dy.shape());
    Rows from = Rows.of(dy, 0);
    Rows to = Rows.of(dx, 0);
    long places = argmax.segment().address();
    bySample(dx.shape(), n -> kernels.maxPoolGradient(p, n, from, places, to));
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
    Pooling p = Pooling.of(kernel, stride, x.shape(), y.shape());
    Rows from = Rows.of(x, 0);
    Rows to = Rows.of(y, 0);
    bySample(x.shape(), n -> kernels.sumPool(p, n, scale, from, to));
  }

  private void sumPoolGradient(int kernel, int stride, float scale, Tensor dy, Tensor dx) {
    Pooling p = Pooling.of(kernel, stride, dx.shape(), dy.shape());
    Rows from = Rows.of(dy, 0);
    Rows to = Rows.of(dx, 0);
    bySample(dx.shape(), n -> kernels.sumPoolGradient(p, n, scale, from, to));
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
