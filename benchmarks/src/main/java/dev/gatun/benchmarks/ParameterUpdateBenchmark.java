package dev.gatun.benchmarks;

import dev.gatun.runtime.op.AdamSettings;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

/**
 * {@link dev.gatun.runtime.op.ParameterUpdate} of a whole network; its ranges are FLOAT32 whatever
 * the images are.
 */
public class ParameterUpdateBenchmark extends OperatorBenchmark {

  private static final AdamSettings ADAM = new AdamSettings(0.9f, 0.999f, 1e-8f, 0.01f);

  /** Numbers in the range: those of the MNIST U-Net, and 16 times as many. */
  @Param({"864640", "13834240"})
  public int elements;

  private Tensor gradient;
  private Tensor parameter;
  private Tensor firstMoment;
  private Tensor secondMoment;
  private Tensor average;
  private Tensor learningRate;
  private Tensor decay;
  private Tensor one;
  private Tensor scale;

  @Override
  void prepare() {
    gradient = random(DType.FLOAT32, Shape.of(elements));
    parameter = random(DType.FLOAT32, Shape.of(elements));
    average = random(DType.FLOAT32, Shape.of(elements));
    firstMoment = filled(0, elements);
    secondMoment = filled(0, elements);
    learningRate = filled(1e-6f, 1);
    decay = filled(0.999f, 1);
    one = filled(1, 1);
    scale = filled(1, 1);
  }

  @Benchmark
  public void adamW() {
    backend
        .parameterUpdate()
        .adamW(
            ADAM,
            learningRate,
            step(),
            one,
            gradient,
            parameter,
            firstMoment,
            secondMoment,
            null,
            null);
    backend.synchronize();
  }

  @Benchmark
  public void movingAverage() {
    backend.parameterUpdate().movingAverage(decay, parameter, average);
    backend.synchronize();
  }

  /** The global norm of the gradient and its factor. */
  @Benchmark
  public void clipScale() {
    backend.reduction().sumOfSquares(gradient, scale);
    backend.parameterUpdate().clipScale(scale, 1, scale);
    backend.synchronize();
  }
}
