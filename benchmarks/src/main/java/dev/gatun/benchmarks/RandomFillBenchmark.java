package dev.gatun.benchmarks;

import dev.gatun.runtime.op.RandomKey;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

/** {@link dev.gatun.runtime.op.RandomFill} of images and feature maps. */
public class RandomFillBenchmark extends ImageBenchmark {

  private static final RandomKey KEY = new RandomKey(1, 2);

  @Param({"28x28x1", "28x28x64"})
  public String image = "28x28x1";

  private Tensor x;
  private Tensor y;
  private Tensor t;

  @Override
  void prepare() {
    x = random(images(image));
    y = random(images(image));
    t = Tensor.allocate(arena, DType.INT32, Shape.of(batch));
  }

  @Benchmark
  public void normal() {
    backend.randomFill().normal(KEY, step(), 0, y);
    backend.synchronize();
  }

  @Benchmark
  public void uniform() {
    backend.randomFill().uniform(KEY, step(), 0, y);
    backend.synchronize();
  }

  @Benchmark
  public void integers() {
    backend.randomFill().integers(KEY, step(), 0, 0, 1000, t);
    backend.synchronize();
  }

  @Benchmark
  public void dropout() {
    backend.randomFill().dropout(KEY, step(), 0.1f, x, y);
    backend.synchronize();
  }
}
