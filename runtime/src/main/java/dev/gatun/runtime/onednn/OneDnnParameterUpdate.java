package dev.gatun.runtime.onednn;

import dev.gatun.runtime.onednn.kernel.Kernels;
import dev.gatun.runtime.onednn.kernel.Memory;
import dev.gatun.runtime.onednn.kernel.Rows;
import dev.gatun.runtime.op.AdamSettings;
import dev.gatun.runtime.op.ParameterUpdate;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Updates of flat ranges on our own kernels, each worker its part, a chunk at a time: what is fused
 * finds the numbers in the cache.
 */
final class OneDnnParameterUpdate implements ParameterUpdate {

  private static final long CHUNK = 16 << 10; // numbers: 350 KiB of all ranges

  private final WorkerPool pool;
  private final Kernels kernels;

  OneDnnParameterUpdate(WorkerPool pool, Kernels kernels) {
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
      Tensor secondMoment,
      @Nullable Average average,
      @Nullable Tensor rounded) {
    AdamStep now = new AdamStep(settings, learningRate, step, gradientScale);
    float keep = average == null ? 0 : Memory.getFloat(address(average.decay()));
    byChunks(
        parameter.elements(),
        (from, count) -> {
          adamW(now, gradient, parameter, firstMoment, secondMoment, from, count);
          if (average != null) {
            movingAverage(keep, parameter, average.values(), from, count);
          }
          round(parameter, rounded, from, count);
        });
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
      long count) {
    kernels
        .reduction()
        .adamW(
            now.settings(),
            now.rate(),
            now.stepSize(),
            now.rootCorrection(),
            now.scale(),
            address(gradient) + 4 * from,
            address(parameter) + 4 * from,
            address(firstMoment) + 4 * from,
            address(secondMoment) + 4 * from,
            count);
  }

  private void round(Tensor parameter, @Nullable Tensor rounded, long from, long count) {
    if (rounded != null) {
      kernels
          .elementwise()
          .copy(
              Rows.dense(address(parameter) + 4 * from, count, DType.FLOAT32),
              Rows.dense(address(rounded) + 2 * from, count, DType.BFLOAT16),
              1,
              count);
    }
  }

  @Override
  public void movingAverage(Tensor decay, Tensor parameter, Tensor average) {
    float keep = Memory.getFloat(address(decay));
    byChunks(
        parameter.elements(),
        (from, count) -> movingAverage(keep, parameter, average, from, count));
  }

  private void movingAverage(float keep, Tensor parameter, Tensor average, long from, long count) {
    kernels
        .reduction()
        .movingAverage(keep, address(parameter) + 4 * from, address(average) + 4 * from, count);
  }

  /** Work on numbers {@code from} to {@code from + count}. */
  @FunctionalInterface
  private interface Chunk {
    void run(long from, long count);
  }

  /** Each worker its part of {@code n} numbers, a chunk at a time. */
  private void byChunks(long n, Chunk work) {
    pool.run(
        worker -> {
          long end = worker.end(n);
          for (long from = worker.begin(n); from < end; from += CHUNK) {
            work.run(from, Math.min(CHUNK, end - from));
          }
        });
  }

  private static long address(Tensor x) {
    return x.segment().address();
  }
}
