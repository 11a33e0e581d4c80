package dev.gatun.benchmarks;

import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

/**
 * {@link dev.gatun.runtime.op.MatrixProduct}: the time embedding, and the projections of an
 * attention block.
 */
public class MatrixProductBenchmark extends ImageBenchmark {

  /** A product of the networks. */
  public enum Layer {
    TIME_FIRST(1, 1, 32),
    TIME_SECOND(1, 32, 128),
    QUERY_KEY_VALUE(14 * 14, 128, 3 * 128);

    private final int rowsPerSample;
    private final int inputs;
    private final int outputs;

    Layer(int rowsPerSample, int inputs, int outputs) {
      this.rowsPerSample = rowsPerSample;
      this.inputs = inputs;
      this.outputs = outputs;
    }
  }

  @Param public Layer layer = Layer.TIME_SECOND;

  private Tensor x;
  private Tensor weight;
  private Tensor bias;
  private Tensor y;
  private Tensor dweight;
  private Tensor dbias;

  @Override
  void prepare() {
    int rows = batch * layer.rowsPerSample;
    x = random(Shape.of(rows, layer.inputs));
    y = random(Shape.of(rows, layer.outputs));
    weight = random(DType.FLOAT32, Shape.of(layer.outputs, layer.inputs));
    dweight = random(DType.FLOAT32, Shape.of(layer.outputs, layer.inputs));
    bias = filled(0, layer.outputs);
    dbias = filled(0, layer.outputs);
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
