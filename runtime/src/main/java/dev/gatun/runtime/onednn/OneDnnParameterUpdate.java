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
    AdamStep now = new AdamStep(settings, learningRate, step, gradientScale);
    long n = parameter.elements();
    pool.run(
        worker ->
            adamW(
                now,
                gradient,
                parameter,
                firstMoment,
                secondMoment,
                worker.begin(n),
                worker.end(n)));
  }

  /** What all numbers of a step share, read from the device once. */
  private record AdamStep(
      AdamSettings settings, float rate, float stepSize, float rootCorrection, float scale) {

    AdamStep(AdamSettings settings, Tensor learningRate, Tensor step, Tensor gradientScale) {
      this(
          settings,
          Memory.getFloat(address(learningRate)),
          Memory.getInt(address(step)),
          Memory.getFloat(address(gradientScale)));
    }

    private AdamStep(AdamSettings settings, float rate, int t, float scale) {
      this(
          settings,
          rate,
          (float) (rate / (1 - StrictMath.pow(settings.beta1(), t))),
          (float) (1 / Math.sqrt(1 - StrictMath.pow(settings.beta2(), t))),
          scale);
    }
  }

  private void adamW(
      AdamStep now,
      Tensor gradient,
      Tensor parameter,
      Tensor firstMoment,
      Tensor secondMoment,
      long from,
      long to) {
    kernels.adamW(
        now.settings(),
        now.rate(),
        now.stepSize(),
        now.rootCorrection(),
        now.scale(),
        address(gradient) + 4 * from,
        address(parameter) + 4 * from,
        address(firstMoment) + 4 * from,
        address(secondMoment) + 4 * from,
        to - from);
  }

  @Override
  public void adamWWithAverage(
      AdamSettings settings,
      Tensor learningRate,
      Tensor step,
      Tensor gradientScale,
      Tensor gradient,
      Tensor parameter,
      Tensor firstMoment,
      Tensor secondMoment,
      Tensor decay,
      Tensor average) {
    AdamStep now = new AdamStep(settings, learningRate, step, gradientScale);
    float keep = Memory.getFloat(address(decay));
    long n = parameter.elements();
    pool.run(
        worker -> {
          long from = worker.begin(n);
          long to = worker.end(n);
          adamW(now, gradient, parameter, firstMoment, secondMoment, from, to);
          kernels.movingAverage(
              keep, address(parameter) + 4 * from, address(average) + 4 * from, to - from);
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
