package dev.gatun.runtime.onednn.kernel;

import static dev.gatun.runtime.onednn.kernel.Lanes.F;
import static dev.gatun.runtime.onednn.kernel.Lanes.N;

import dev.gatun.runtime.op.AdamSettings;
import dev.gatun.runtime.op.LossFunction;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/** Sums in vectors of fp32 that go into a double every so often; updates a vector at a time. */
final class VectorReduction implements ReductionKernels {

  /** Numbers, or rows, whose sum is kept in fp32 before it goes into the double. */
  private static final int CHUNK = 256;

  private final ReductionKernels plain = new ScalarReduction();

  @Override
  public void sumRows(Rows x, long first, long rows, double[] sums) {
    int channels = sums.length;
    for (long r = 0; r < rows; r += CHUNK) {
      int n = (int) Math.min(CHUNK, rows - r);
      for (int c = 0; c < channels; c += N) {
        int count = Math.min(N, channels - c);
        long at = x.at(first + r) + (long) c * x.size();
        FloatVector sum = FloatVector.zero(F);
        for (int i = 0; i < n; i++) {
          sum = sum.add(count == N ? Lanes.load(at, x.low()) : Lanes.load(at, x.low(), count));
          at += x.stride();
        }
        for (int i = 0; i < count; i++) {
          sums[c + i] += sum.lane(i);
        }
      }
    }
  }

  @Override
  public double sumOfSquares(Rows x, long rows, long width) {
    double total = 0;
    for (long r = 0; r < rows; r++) {
      long at = x.at(r);
      for (long i = 0; i < width; i += (long) CHUNK * N) {
        long end = Math.min(width, i + (long) CHUNK * N);
        FloatVector sum = FloatVector.zero(F);
        long k = i;
        for (; k + N <= end; k += N) {
          FloatVector v = Lanes.load(at + k * x.size(), x.low());
          sum = v.fma(v, sum);
        }
        if (k < end) {
          FloatVector v = Lanes.load(at + k * x.size(), x.low(), (int) (end - k));
          sum = v.fma(v, sum);
        }
        total += Lanes.sum(sum);
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
      for (long i = 0; i < width; i += (long) CHUNK * N) {
        long end = Math.min(width, i + (long) CHUNK * N);
        FloatVector sum = FloatVector.zero(F);
        for (long k = i; k < end; k += N) {
          int count = (int) Math.min(N, end - k);
          long p = prediction.at(r) + k * prediction.size();
          long t = target.at(r) + k * target.size();
          FloatVector e =
              Lanes.load(p, prediction.low(), count).sub(Lanes.load(t, target.low(), count));
          sum = sum.add(value(function, e));
          Lanes.store(
              slope(function, e).mul(scale),
              gradient.at(r) + k * gradient.size(),
              gradient.low(),
              count);
        }
        total += Lanes.sum(sum);
      }
    }
    return total;
  }

  private static FloatVector value(LossFunction function, FloatVector e) {
    if (function == LossFunction.MEAN_SQUARED) {
      return e.mul(e);
    }
    return function == LossFunction.L1 ? e.abs() : huber(e);
  }

  private static FloatVector huber(FloatVector e) {
    FloatVector size = e.abs();
    return size.sub(0.5f).blend(e.mul(e).mul(0.5f), size.compare(VectorOperators.LT, 1f));
  }

  private static FloatVector slope(LossFunction function, FloatVector e) {
    if (function == LossFunction.MEAN_SQUARED) {
      return e.add(e);
    }
    return function == LossFunction.L1 ? sign(e) : e.max(-1f).min(1f);
  }

  private static FloatVector sign(FloatVector e) {
    FloatVector one = FloatVector.broadcast(F, 1f);
    return e.blend(one, e.compare(VectorOperators.GT, 0f))
        .blend(one.neg(), e.compare(VectorOperators.LT, 0f));
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
    long whole = count - count % N;
    adamWOfWhole(
        settings,
        learningRate,
        stepSize,
        rootCorrection,
        gradientScale,
        gradient,
        parameter,
        firstMoment,
        secondMoment,
        whole);
    if (whole < count) {
      long at = 4 * whole;
      plain.adamW(
          settings,
          learningRate,
          stepSize,
          rootCorrection,
          gradientScale,
          gradient + at,
          parameter + at,
          firstMoment + at,
          secondMoment + at,
          count - whole);
    }
  }

  /** On a multiple of the lanes. */
  static void adamWOfWhole(
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
    FloatVector keep1 = FloatVector.broadcast(F, settings.beta1());
    FloatVector take1 = FloatVector.broadcast(F, 1f - settings.beta1());
    FloatVector keep2 = FloatVector.broadcast(F, settings.beta2());
    FloatVector take2 = FloatVector.broadcast(F, 1f - settings.beta2());
    FloatVector decay = FloatVector.broadcast(F, 1f - learningRate * settings.weightDecay());
    FloatVector epsilon = FloatVector.broadcast(F, settings.epsilon());
    FloatVector root = FloatVector.broadcast(F, rootCorrection);
    FloatVector step = FloatVector.broadcast(F, -stepSize);
    FloatVector scale = FloatVector.broadcast(F, gradientScale);
    for (long at = 0; at < 4 * count; at += 4L * N) {
      FloatVector g = Lanes.load(gradient + at).mul(scale);
      FloatVector p = Lanes.load(parameter + at).mul(decay);
      FloatVector m = Lanes.load(firstMoment + at).mul(keep1).add(g.mul(take1));
      FloatVector v = Lanes.load(secondMoment + at).mul(keep2).add(g.mul(g).mul(take2));
      FloatVector update = m.div(v.sqrt().mul(root).add(epsilon));
      Lanes.store(m, firstMoment + at);
      Lanes.store(v, secondMoment + at);
      Lanes.store(update.fma(step, p), parameter + at);
    }
  }

  @Override
  public void accumulate(long x, long y, long count) {
    long whole = count - count % N;
    accumulateWhole(x, y, whole);
    plain.accumulate(x + 4 * whole, y + 4 * whole, count - whole);
  }

  static void accumulateWhole(long x, long y, long count) {
    for (long at = 0; at < 4 * count; at += 4L * N) {
      Lanes.store(Lanes.load(y + at).add(Lanes.load(x + at)), y + at);
    }
  }

  @Override
  public void movingAverage(float decay, long x, long average, long count) {
    long whole = count - count % N;
    movingAverageOfWhole(decay, x, average, whole);
    plain.movingAverage(decay, x + 4 * whole, average + 4 * whole, count - whole);
  }

  static void movingAverageOfWhole(float decay, long x, long average, long count) {
    FloatVector keep = FloatVector.broadcast(F, decay);
    FloatVector take = FloatVector.broadcast(F, 1f - decay);
    for (long at = 0; at < 4 * count; at += 4L * N) {
      FloatVector kept = Lanes.load(average + at).mul(keep);
      Lanes.store(kept.add(Lanes.load(x + at).mul(take)), average + at);
    }
  }
}
