package dev.gatun.benchmarks;

import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

/** {@link dev.gatun.runtime.op.Resampling} by the factor 2. */
public class ResamplingBenchmark extends ImageBenchmark {

  @Param({"28x28x64", "14x14x128", "7x7x128"})
  public String image = "28x28x64";

  private Tensor x;
  private Tensor small;
  private Tensor argmax;
  private Tensor large;

  @Override
  void prepare() {
    Shape shape = images(image);
    x = random(shape);
    Shape half = batchOf(shape.height() / 2, shape.width() / 2, shape.channels());
    small = random(half);
    argmax = Tensor.allocate(arena, DType.UINT8, half);
    large = random(batchOf(2 * shape.height(), 2 * shape.width(), shape.channels()));
    maxPool(); // its gradient needs argmax
  }

  @Benchmark
  public void maxPool() {
    backend.resampling().maxPool(2, 2, x, small, argmax);
    backend.synchronize();
  }

  @Benchmark
  public void maxPoolGradient() {
    backend.resampling().maxPoolGradient(2, 2, small, argmax, x);
    backend.synchronize();
  }

  @Benchmark
  public void averagePool() {
    backend.resampling().averagePool(2, 2, x, small);
    backend.synchronize();
  }

  @Benchmark
  public void averagePoolGradient() {
    backend.resampling().averagePoolGradient(2, 2, small, x);
    backend.synchronize();
  }

  @Benchmark
  public void nearest() {
    backend.resampling().nearest(2, x, large);
    backend.synchronize();
  }

  @Benchmark
  public void nearestGradient() {
    backend.resampling().nearestGradient(2, large, x);
    backend.synchronize();
  }
}
