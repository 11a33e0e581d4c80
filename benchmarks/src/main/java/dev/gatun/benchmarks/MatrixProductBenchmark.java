package dev.gatun.benchmarks;

import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

/**
 * {@link dev.gatun.runtime.op.MatrixProduct}: the time embedding, and the projections of an
 * attention block. Weights are of the rows' dtype, as a training step has them, the gradients by
 * them FLOAT32.
 */
public class MatrixProductBenchmark extends ImageBenchmark {

  /** Rows of a sample x inputs x outputs. */
  @Param({"1x32x128", "196x128x384"})
  public String geometry = "196x128x384";

  private Tensor x;
  private Tensor weight;
  private Tensor bias;
  private Tensor y;
  private Tensor dweight;
  private Tensor dbias;

  @Override
  void prepare() {
    int[] g = extents(geometry);
    int rows = batch * g[0];
    int inputs = g[1];
    int outputs = g[2];
    x = random(Shape.of(rows, inputs));
    y = random(Shape.of(rows, outputs));
    weight = random(Shape.of(outputs, inputs));
    dweight = random(DType.FLOAT32, Shape.of(outputs, inputs));
    bias = filled(0, outputs);
    dbias = filled(0, outputs);
  }

  @Benchmark
  public void linear() {
    backend.matrixProduct().linear(x, weight, bias, y);
    backend.synchronize();
  }

  @Benchmark
  public void linearGradientInput() {
    backend.matrixProduct().linearGradientInput(y, weight, x);
    backend.synchronize();
  }

  @Benchmark
  public void linearGradientWeight() {
    backend.matrixProduct().linearGradientWeight(x, y, dweight, dbias);
    backend.synchronize();
  }
}
