package dev.gatun.runtime.onednn;

import dev.gatun.runtime.onednn.kernel.Memory;
import dev.gatun.runtime.onednn.kernel.ReductionKernels;
import dev.gatun.runtime.op.AdamSettings;
import dev.gatun.runtime.op.ParameterUpdate;
import dev.gatun.runtime.tensor.Tensor;

/** Updates of flat ranges on our own kernels, each worker its part. */
final class OneDnnParameterUpdate implements ParameterUpdate {

  private final WorkerPool pool;
  private final ReductionKernels kernels;

  OneDnnParameterUpdate(WorkerPool pool, ReductionKernels kernels) {
    this.pool = pool;
    this.kernels = kernels;
  }

  @Override
  public void clipScale(Tensor sumOfSquares, float maxNorm, Tensor scale) {
    double norm = Math.sqrt(Memory.getFloat(address(sumOfSquares)));
    Memory.putFloat(address(scale), (float) Math.min(1, maxNorm / (norm + 1e-6)));
  }

  @Override
  public void adamW(
      AdamSettings settings,
      Tensor learningRate,
      Tensor step,
      Tensor gradientScale,
      Tensor gradient,
      Tensor parameter,
      Tensor firstMoment,
      Tensor secondMoment) {
    float rate = Memory.getFloat(address(learningRate));
    int t = Memory.getInt(address(step));
    float scale = Memory.getFloat(address(gradientScale));
    float stepSize = (float) (rate / (1 - StrictMath.pow(settings.beta1(), t)));
    float rootCorrection = (float) (1 / Math.sqrt(1 - StrictMath.pow(settings.beta2(), t)));
    long n = parameter.elements();
    pool.run(
        worker -> {
          long from = 4 * worker.begin(n);
          kernels.adamW(
              settings,
              rate,
              stepSize,
              rootCorrection,
              scale,
              address(gradient) + from,
              address(parameter) + from,
              address(firstMoment) + from,
              address(secondMoment) + from,
              worker.end(n) - worker.begin(n));
        });
  }

  @Override
  public void movingAverage(Tensor decay, Tensor parameter, Tensor average) {
    float keep = Memory.getFloat(address(decay));
    long n = parameter.elements();
    pool.run(
        worker -> {
          long from = 4 * worker.begin(n);
          kernels.movingAverage(
              keep,
              address(parameter) + from,
              address(average) + from,
              worker.end(n) - worker.begin(n));
        });
  }

  private static long address(Tensor x) {
    return x.segment().address();
  }
}
