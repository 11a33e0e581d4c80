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

  @Override
  public void sumRows(Rows x, long rows, double[] sums) {
    int channels = sums.length;
    for (long r = 0; r < rows; r += CHUNK) {
      int n = (int) Math.min(CHUNK, rows - r);
      for (int c = 0; c < channels; c += N) {
        int count = Math.min(N, channels - c);
        long at = x.at(r) + (long) c * x.size();
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
          FloatVector p =
              Lanes.load(prediction.at(r) + k * prediction.size(), prediction.low(), count);
          FloatVector t = Lanes.load(target.at(r) + k * target.size(), target.low(), count);
          FloatVector e = p.sub(t);
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
    return switch (function) {
      case MEAN_SQUARED -> e.mul(e);
      case L1 -> e.abs();
      case HUBER -> {
        FloatVector size = e.abs();
        yield size.sub(0.5f).blend(e.mul(e).mul(0.5f), size.compare(VectorOperators.LT, 1f));
      }
    };
  }

  private static FloatVector slope(LossFunction function, FloatVector e) {
    return switch (function) {
      case MEAN_SQUARED -> e.add(e);
      case L1 -> sign(e);
      case HUBER -> e.max(-1f).min(1f);
    };
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
    FloatVector keep1 = FloatVector.broadcast(F, settings.beta1());
    FloatVector take1 = FloatVector.broadcast(F, 1f - settings.beta1());
    FloatVector keep2 = FloatVector.broadcast(F, settings.beta2());
    FloatVector take2 = FloatVector.broadcast(F, 1f - settings.beta2());
    FloatVector decay = FloatVector.broadcast(F, 1f - learningRate * settings.weightDecay());
    FloatVector epsilon = FloatVector.broadcast(F, settings.epsilon());
    FloatVector root = FloatVector.broadcast(F, rootCorrection);
    FloatVector step = FloatVector.broadcast(F, -stepSize);
    FloatVector scale = FloatVector.broadcast(F, gradientScale);
    for (long i = 0; i < count; i += N) {
      int n = (int) Math.min(N, count - i);
      long at = 4 * i;
      boolean full = n == N;
      FloatVector g = load(gradient + at, full, n).mul(scale);
      FloatVector p = load(parameter + at, full, n).mul(decay);
      FloatVector m = load(firstMoment + at, full, n).mul(keep1).add(g.mul(take1));
      FloatVector v = load(secondMoment + at, full, n).mul(keep2).add(g.mul(g).mul(take2));
      FloatVector update = m.div(v.sqrt().mul(root).add(epsilon));
      store(m, firstMoment + at, full, n);
      store(v, secondMoment + at, full, n);
      store(update.fma(step, p), parameter + at, full, n);
    }
  }

  @Override
  public void accumulate(long x, long y, long count) {
    for (long i = 0; i < count; i += N) {
      int n = (int) Math.min(N, count - i);
      boolean full = n == N;
      FloatVector sum = load(y + 4 * i, full, n).add(load(x + 4 * i, full, n));
      store(sum, y + 4 * i, full, n);
    }
  }

  @Override
  public void movingAverage(float decay, long x, long average, long count) {
    FloatVector keep = FloatVector.broadcast(F, decay);
    FloatVector take = FloatVector.broadcast(F, 1f - decay);
    for (long i = 0; i < count; i += N) {
      int n = (int) Math.min(N, count - i);
      boolean full = n == N;
      FloatVector next =
          load(average + 4 * i, full, n).mul(keep).add(load(x + 4 * i, full, n).mul(take));
      store(next, average + 4 * i, full, n);
    }
  }

  private static FloatVector load(long address, boolean full, int count) {
    return full ? Lanes.load(address) : Lanes.load(address, false, count);
  }

  private static void store(FloatVector value, long address, boolean full, int count) {
    if (full) {
      Lanes.store(value, address, false);
    } else {
      Lanes.store(value, address, false, count);
    }
  }
}
