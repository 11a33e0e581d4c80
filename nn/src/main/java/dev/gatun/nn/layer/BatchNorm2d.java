package dev.gatun.nn.layer;

import dev.gatun.nn.autograd.Initialization;
import dev.gatun.nn.autograd.Parameter;
import dev.gatun.nn.autograd.Scope;
import dev.gatun.nn.autograd.Variable;
import dev.gatun.nn.op.BatchNormalization;
import dev.gatun.runtime.op.Activation;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;

/**
 * Batch normalization with learned scale and shift, {@code torch.nn.BatchNorm2d}: the batch's
 * statistics on a recording tape, the running ones otherwise.
 */
public final class BatchNorm2d implements Layer {

  private static final float EPSILON = 1e-5f;
  private static final float MOMENTUM = 0.1f;

  private final int channels;
  private final Parameter weight;
  private final Parameter bias;
  private final Parameter runningMean;
  private final Parameter runningVariance;
  private final Parameter batches;

  /**
   * Declares {@code weight}, ones, {@code bias}, zeros, and the statistics {@code running_mean},
   * zeros, {@code running_var}, ones, and {@code num_batches_tracked}.
   */
  public BatchNorm2d(Scope scope, int channels) {
    this.channels = channels;
    Shape shape = Shape.of(channels);
    this.weight = scope.parameter("weight", shape, Initialization.constant(1));
    this.bias = scope.parameter("bias", shape, Initialization.constant(0));
    this.runningMean = scope.statistic("running_mean", shape, Initialization.constant(0));
    this.runningVariance = scope.statistic("running_var", shape, Initialization.constant(1));
    this.batches = scope.counter("num_batches_tracked");
  }

  /** [N, ..., channels] to the same. */
  @Override
  public Variable forward(Variable x) {
    var tape = x.tape();
    if (tape.isRecording()) {
      Tensor count = batches.value();
      tape.backend().elementwise().add(count, batches.store().one(), count);
    }
    return BatchNormalization.batchNormalization(
        x,
        tape.parameter(weight),
        tape.parameter(bias),
        runningMean.value(),
        runningVariance.value(),
        EPSILON,
        MOMENTUM,
        Activation.IDENTITY);
  }

  @Override
  public String toString() {
    return "BatchNorm2d("
        + channels
        + ", eps="
        + Repr.number(EPSILON)
        + ", momentum="
        + Repr.number(MOMENTUM)
        + ", affine=True, track_running_stats=True)";
  }
}
