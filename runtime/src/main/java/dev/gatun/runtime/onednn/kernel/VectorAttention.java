package dev.gatun.runtime.onednn.kernel;

import static dev.gatun.runtime.onednn.kernel.Lanes.F;
import static dev.gatun.runtime.onednn.kernel.Lanes.N;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Attention's kernels, a vector at a time; what is left of a row is done under a mask. Each loop is
 * a method of its own, which keeps its vectors in registers.
 */
final class VectorAttention implements AttentionKernels {

  @Override
  public void softmax(
      long scores, long rows, int width, float scale, long denominators, long logSumExp) {
    softmaxWithoutLogarithms(scores, rows, width, scale, denominators, logSumExp);
    AttentionKernels.addLogarithms(rows, denominators, logSumExp);
  }

  /** The softmax, with m_r in the place of logSumExp[r]. */
  static void softmaxWithoutLogarithms(
      long scores, long rows, int width, float scale, long denominators, long shifts) {
    for (long r = 0; r < rows; r++) {
      long row = scores + 4 * r * width;
      float shift = scale * max(row, width);
      Memory.putFloat(denominators + 4 * r, exponentials(row, width, scale, shift));
      Memory.putFloat(shifts + 4 * r, shift);
    }
  }

  /** The largest of a row; in four vectors, since each maximum waits for the one before. */
  private static float max(long row, int width) {
    int whole = width - width % N;
    float max = Float.NEGATIVE_INFINITY;
    FloatVector a = FloatVector.broadcast(F, max);
    FloatVector b = FloatVector.broadcast(F, max);
    FloatVector c = FloatVector.broadcast(F, max);
    FloatVector d = FloatVector.broadcast(F, max);
    int j = 0;
    for (; j + 4 * N <= whole; j += 4 * N) {
      a = larger(a, Lanes.load(row + 4L * j));
      b = larger(b, Lanes.load(row + 4L * (j + N)));
      c = larger(c, Lanes.load(row + 4L * (j + 2 * N)));
      d = larger(d, Lanes.load(row + 4L * (j + 3 * N)));
    }
    for (; j < whole; j += N) {
      a = larger(a, Lanes.load(row + 4L * j));
    }
    max = a.max(b).max(c.max(d)).reduceLanes(VectorOperators.MAX);
    int rest = width - whole;
    if (rest > 0) {
      FloatVector last = Lanes.load(row + 4L * whole, false, rest);
      max = Math.max(max, last.reduceLanes(VectorOperators.MAX, F.indexInRange(0, rest)));
    }
    return max;
  }

  /** Of each lane the larger one; a where b is no number: its exponential is none either. */
  private static FloatVector larger(FloatVector a, FloatVector b) {
    return a.blend(b, b.compare(VectorOperators.GT, a));
  }

  /** e^(scale s - shift) in the place of s; returns the sum of the row. */
  private static float exponentials(long row, int width, float scale, float shift) {
    int whole = width - width % N;
    FloatVector factor = FloatVector.broadcast(F, scale * ExpTerms.LOG2_E);
    FloatVector down = FloatVector.broadcast(F, -shift * ExpTerms.LOG2_E);
    FloatVector sum = FloatVector.zero(F);
    for (int j = 0; j < whole; j += N) {
      FloatVector p = Lanes.exp2OrZero(Lanes.load(row + 4L * j).fma(factor, down));
      Lanes.store(p, row + 4L * j, false);
      sum = sum.add(p);
    }
    int rest = width - whole;
    if (rest > 0) {
      FloatVector s = Lanes.load(row + 4L * whole, false, rest);
      FloatVector p = Lanes.exp2OrZero(s.fma(factor, down));
      Lanes.store(p, row + 4L * whole, false, rest);
      sum = sum.add(p, F.indexInRange(0, rest));
    }
    return Lanes.fold(sum);
  }

  @Override
  public void gradient(
      long scores,
      long dp,
      long batch,
      long rows,
      int width,
      float scale,
      long logSumExp,
      long delta) {
    for (long r = 0; r < batch * rows; r++) {
      long at = 4 * r * width;
      long statistics = 4 * (r / rows * width);
      gradientRow(scores + at, dp + at, width, scale, logSumExp + statistics, delta + statistics);
    }
  }

  /** The gradient of a row. */
  static void gradientRow(
      long scores, long dp, int width, float scale, long logSumExp, long delta) {
    int whole = width - width % N;
    FloatVector factor = FloatVector.broadcast(F, scale);
    FloatVector factor2 = FloatVector.broadcast(F, scale * ExpTerms.LOG2_E);
    for (int i = 0; i < whole; i += N) {
      long at = 4L * i;
      FloatVector down = Lanes.load(logSumExp + at).mul(-ExpTerms.LOG2_E);
      FloatVector p = Lanes.exp2OrZero(Lanes.load(scores + at).fma(factor2, down));
      FloatVector change = Lanes.load(dp + at).sub(Lanes.load(delta + at));
      Lanes.store(p, scores + at, false);
      Lanes.store(p.mul(factor).mul(change), dp + at, false);
    }
    int rest = width - whole;
    if (rest > 0) {
      long at = 4L * whole;
      FloatVector down = Lanes.load(logSumExp + at, false, rest).mul(-ExpTerms.LOG2_E);
      FloatVector p = Lanes.exp2OrZero(Lanes.load(scores + at, false, rest).fma(factor2, down));
      FloatVector change =
          Lanes.load(dp + at, false, rest).sub(Lanes.load(delta + at, false, rest));
      Lanes.store(p, scores + at, false, rest);
      Lanes.store(p.mul(factor).mul(change), dp + at, false, rest);
    }
  }

  @Override
  public void narrow(long x, long count) {
    // a vector is read before its half is written, and all before it was
    long whole = count - count % N;
    for (long i = 0; i < whole; i += N) {
      Lanes.store(Lanes.load(x + 4 * i), x + 2 * i, true);
    }
    int rest = (int) (count - whole);
    if (rest > 0) {
      Lanes.store(Lanes.load(x + 4 * whole, false, rest), x + 2 * whole, true, rest);
    }
  }

  @Override
  public void divide(Rows x, long denominators, Rows y, long rows, int width) {
    for (long r = 0; r < rows; r++) {
      FloatVector factor = FloatVector.broadcast(F, 1 / Memory.getFloat(denominators + 4 * r));
      for (int c = 0; c < width; c += N) {
        int count = Math.min(N, width - c);
        FloatVector v = load(x, r, c, count).mul(factor);
        long to = y.at(r) + (long) c * y.size();
        if (count == N) {
          Lanes.store(v, to, y.low());
        } else {
          Lanes.store(v, to, y.low(), count);
        }
      }
    }
  }

  @Override
  public void dots(Rows a, Rows b, long rows, int width, long dots) {
    for (long r = 0; r < rows; r++) {
      FloatVector sum = FloatVector.zero(F);
      for (int c = 0; c < width; c += N) {
        int count = Math.min(N, width - c);
        sum = load(a, r, c, count).fma(load(b, r, c, count), sum);
      }
      Memory.putFloat(dots + 4 * r, Lanes.fold(sum));
    }
  }

  private static FloatVector load(Rows x, long row, int column, int count) {
    long at = x.at(row) + (long) column * x.size();
    return count == N ? Lanes.load(at, x.low()) : Lanes.load(at, x.low(), count);
  }
}
