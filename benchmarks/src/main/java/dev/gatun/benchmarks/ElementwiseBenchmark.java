package dev.gatun.benchmarks;

import dev.gatun.runtime.op.Activation;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

/** {@link dev.gatun.runtime.op.Elementwise} on feature maps. */
public class ElementwiseBenchmark extends ImageBenchmark {

  @Param({"28x28x64", "14x14x128", "7x7x128"})
  public String image = "28x28x64";

  private Tensor x;
  private Tensor dy;
  private Tensor y;
  private Tensor floats;
  private Tensor slice;
  private Tensor shift;
  private Tensor a;
  private Tensor b;

  @Override
  void prepare() {
    Shape shape = images(image);
    x = random(shape);
    dy = random(shape);
    y = random(shape);
    floats = random(DType.FLOAT32, shape);
    slice = random(shape.withChannels(2 * shape.channels())).channelSlice(0, shape.channels());
    shift = random(Shape.of(batch, shape.channels()));
    a = filled(0.8f, batch);
    b = filled(0.6f, batch);
  }

  @Benchmark
  public void relu() {
    backend.elementwise().activate(Activation.RELU, x, y);
    backend.synchronize();
  }

  @Benchmark
  public void silu() {
    backend.elementwise().activate(Activation.SILU, x, y);
    backend.synchronize();
  }

  @Benchmark
  public void siluGradient() {
    backend.elementwise().activateGradient(Activation.SILU, x, dy, y);
    backend.synchronize();
  }

  @Benchmark
  public void gelu() {
    backend.elementwise().activate(Activation.GELU, x, y);
    backend.synchronize();
  }

  @Benchmark
  public void geluGradient() {
    backend.elementwise().activateGradient(Activation.GELU, x, dy, y);
    backend.synchronize();
  }

  @Benchmark
  public void add() {
    backend.elementwise().add(x, dy, y);
    backend.synchronize();
  }

  @Benchmark
  public void copyToSlice() {
    backend.elementwise().copy(x, slice);
    backend.synchronize();
  }

  @Benchmark
  public void addFromSlice() {
    backend.elementwise().add(slice, dy, y);
    backend.synchronize();
  }

  @Benchmark
  public void convertFromFloats() {
    backend.elementwise().copy(floats, y);
    backend.synchronize();
  }

  @Benchmark
  public void addPerSample() {
    backend.elementwise().addPerSample(x, shift, y);
    backend.synchronize();
  }

  @Benchmark
  public void combinePerSample() {
    backend.elementwise().combinePerSample(a, x, b, dy, y);
    backend.synchronize();
  }
}
