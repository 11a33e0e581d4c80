package dev.gatun.runtime.onednn.kernel;

import dev.gatun.runtime.op.AdamSettings;
import dev.gatun.runtime.op.LossFunction;

/** Sums and updates by plain loops. */
final class ScalarReduction implements ReductionKernels {

  @Override
  public void sumRows(Rows x, long first, long rows, double[] sums) {
    for (long r = first; r < first + rows; r++) {
      for (int c = 0; c < sums.length; c++) {
        sums[c] += Memory.get(x.at(r) + (long) c * x.size(), x.low());
      }
    }
  }

  @Override
  public double sumOfSquares(Rows x, long rows, long width) {
    double total = 0;
    for (long r = 0; r < rows; r++) {
      for (long i = 0; i < width; i++) {
        double v = Memory.get(x.at(r) + i * x.size(), x.low());
        total += v * v;
      }
    }
    return total;
  }

  @Override
  public double loss(
      LossFunction function,
      Rows prediction,
      Rows target,
      float scale,
      Rows gradient,
      long rows,
      long width) {
    double total = 0;
    for (long r = 0; r < rows; r++) {
      for (long i = 0; i < width; i++) {
        float p = Memory.get(prediction.at(r) + i * prediction.size(), prediction.low());
        float e = p - Memory.get(target.at(r) + i * target.size(), target.low());
        float slope =
            switch (function) {
              case MEAN_SQUARED -> 2 * e;
              case L1 -> Math.signum(e);
              case HUBER -> Math.clamp(e, -1f, 1f);
            };
        float size = Math.abs(e);
        total +=
            switch (function) {
              case MEAN_SQUARED -> e * e;
              case L1 -> size;
              case HUBER -> size < 1f ? 0.5f * e * e : size - 0.5f;
            };
        Memory.put(gradient.at(r) + i * gradient.size(), slope * scale, gradient.low());
      }
    }
    return total;
  }

  @Override
  public void adamW(
      AdamSettings settings,
      float learningRate,
      float stepSize,
      float rootCorrection,
      float gradientScale,
      long gradient,
      long parameter,
      long firstMoment,
      long secondMoment,
      long count) {
    float decay = 1f - learningRate * settings.weightDecay();
    for (long at = 0; at < 4 * count; at += 4) {
      float g = Memory.getFloat(gradient + at) * gradientScale;
      float m = Memory.getFloat(firstMoment + at) * settings.beta1() + g * (1f - settings.beta1());
      float v =
          Memory.getFloat(secondMoment + at) * settings.beta2() + g * g * (1f - settings.beta2());
      float update = m / ((float) Math.sqrt(v) * rootCorrection + settings.epsilon());
      Memory.putFloat(firstMoment + at, m);
      Memory.putFloat(secondMoment + at, v);
      float p = Memory.getFloat(parameter + at) * decay;
      Memory.putFloat(parameter + at, Math.fma(update, -stepSize, p));
    }
  }

  @Override
  public void accumulate(long x, long y, long count) {
    for (long at = 0; at < 4 * count; at += 4) {
      Memory.putFloat(y + at, Memory.getFloat(y + at) + Memory.getFloat(x + at));
    }
  }

  @Override
  public void movingAverage(float decay, long x, long average, long count) {
    for (long at = 0; at < 4 * count; at += 4) {
      float next = Memory.getFloat(average + at) * decay + Memory.getFloat(x + at) * (1f - decay);
      Memory.putFloat(average + at, next);
    }
  }
}
