package dev.gatun.benchmarks;

import dev.gatun.runtime.op.LossFunction;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

/** {@link dev.gatun.runtime.op.Reduction} of feature maps and of images. */
public class ReductionBenchmark extends ImageBenchmark {

  @Param({"28x28x64", "14x14x128", "28x28x1"})
  public String image = "28x28x64";

  private Tensor x;
  private Tensor target;
  private Tensor gradient;
  private Tensor channelSums;
  private Tensor sampleSums;
  private Tensor one;

  @Override
  void prepare() {
    Shape shape = images(image);
    x = random(shape);
    target = random(shape);
    gradient = random(shape);
    channelSums = filled(0, shape.channels());
    sampleSums = filled(0, batch, shape.channels());
    one = filled(0, 1);
  }

  @Benchmark
  public void sumRows() {
    backend.reduction().sumRows(x, channelSums);
    backend.synchronize();
  }

  @Benchmark
  public void sumPixels() {
    backend.reduction().sumPixels(x, sampleSums);
    backend.synchronize();
  }

  @Benchmark
  public void sumOfSquares() {
    backend.reduction().sumOfSquares(x, one);
    backend.synchronize();
  }

  @Benchmark
  public void meanSquaredLoss() {
    backend.reduction().loss(LossFunction.MEAN_SQUARED, x, target, one, gradient);
    backend.synchronize();
  }
}
