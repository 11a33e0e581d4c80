package dev.gatun.runtime.onednn.kernel;

import static dev.gatun.runtime.onednn.kernel.Lanes.F;
import static dev.gatun.runtime.onednn.kernel.Lanes.N;

import dev.gatun.runtime.op.Activation;
import java.lang.invoke.MethodHandles;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * The passes over blocks of two vectors of channels, whose sums stay in registers, and of one where
 * fewer are left. Run as copies for an activation and the dtypes of (x, dy, the result): see {@link
 * Specialization}.
 */
final class VectorNormalization implements NormalizationKernels {

  private static final Specialization FOR = Specialization.of(MethodHandles.lookup());
  private static final Activation ACTIVATION = FOR.activation();
  private static final boolean LOW_X = FOR.low0();
  private static final boolean LOW_DY = FOR.low1();
  private static final boolean LOW_RESULT = FOR.low2();

  private static final int BLOCK = 2 * N;

  /** Rows whose sum is kept in fp32 before it goes into the double. */
  private static final int CHUNK = 256;

  private static final VectorSpecies<Double> D = F.vectorShape().withLanes(double.class);

  @Override
  public void moments(Rows x, long rows, float[] pivot, double[] sums, double[] squares) {
    int channels = sums.length;
    for (long r = 0; r < rows; r += CHUNK) {
      int n = (int) Math.min(CHUNK, rows - r);
      int c = 0;
      for (; c + BLOCK <= channels; c += BLOCK) {
        momentsBlock(x, r, n, c, pivot, sums, squares);
      }
      for (; c < channels; c += N) {
        momentsTail(x, r, n, c, Math.min(N, channels - c), pivot, sums, squares);
      }
    }
  }

  private static void momentsBlock(
      Rows x, long row, int rows, int c, float[] pivot, double[] sums, double[] squares) {
    long step = x.stride();
    long at = x.at(row) + (long) c * x.size();
    int vector = N * x.size();
    FloatVector p0 = FloatVector.fromArray(F, pivot, c);
    FloatVector p1 = FloatVector.fromArray(F, pivot, c + N);
    FloatVector s0 = FloatVector.zero(F);
    FloatVector s1 = s0;
    FloatVector q0 = s0;
    FloatVector q1 = s0;
    for (int r = 0; r < rows; r++) {
      FloatVector v0 = loadX(at).sub(p0);
      FloatVector v1 = loadX(at + vector).sub(p1);
      s0 = s0.add(v0);
      s1 = s1.add(v1);
      q0 = v0.fma(v0, q0);
      q1 = v1.fma(v1, q1);
      at += step;
    }
    addTo(sums, c, s0);
    addTo(sums, c + N, s1);
    addTo(squares, c, q0);
    addTo(squares, c + N, q1);
  }

  private static void momentsTail(
      Rows x,
      long row,
      int rows,
      int c,
      int count,
      float[] pivot,
      double[] sums,
      double[] squares) {
    long at = x.at(row) + (long) c * x.size();
    FloatVector p = FloatVector.fromArray(F, pivot, c, F.indexInRange(0, count));
    FloatVector s = FloatVector.zero(F);
    FloatVector q = s;
    for (int r = 0; r < rows; r++) {
      FloatVector v = Lanes.load(at, LOW_X, count).sub(p);
      s = s.add(v);
      q = v.fma(v, q);
      at += x.stride();
    }
    addTo(sums, c, s, count);
    addTo(squares, c, q, count);
  }

  @Override
  public void apply(Rows x, long rows, float[] scale, float[] shift, Activation f, Rows y) {
    int channels = scale.length;
    int c = 0;
    for (; c + BLOCK <= channels; c += BLOCK) {
      applyBlock(x, rows, c, scale, shift, y);
    }
    for (; c < channels; c += N) {
      applyTail(x, rows, c, Math.min(N, channels - c), scale, shift, y);
    }
  }

  private static void applyBlock(Rows x, long rows, int c, float[] scale, float[] shift, Rows y) {
    long at = x.address() + (long) c * x.size();
    long to = y.address() + (long) c * y.size();
    int vx = N * x.size();
    int vy = N * y.size();
    FloatVector a0 = FloatVector.fromArray(F, scale, c);
    FloatVector a1 = FloatVector.fromArray(F, scale, c + N);
    FloatVector b0 = FloatVector.fromArray(F, shift, c);
    FloatVector b1 = FloatVector.fromArray(F, shift, c + N);
    for (long r = 0; r < rows; r++) {
      put(VectorActivation.value(ACTIVATION, loadX(at).fma(a0, b0)), to);
      put(VectorActivation.value(ACTIVATION, loadX(at + vx).fma(a1, b1)), to + vy);
      at += x.stride();
      to += y.stride();
    }
  }

  private static void applyTail(
      Rows x, long rows, int c, int count, float[] scale, float[] shift, Rows y) {
    long at = x.address() + (long) c * x.size();
    long to = y.address() + (long) c * y.size();
    FloatVector a = FloatVector.fromArray(F, scale, c, F.indexInRange(0, count));
    FloatVector b = FloatVector.fromArray(F, shift, c, F.indexInRange(0, count));
    for (long r = 0; r < rows; r++) {
      FloatVector z = Lanes.load(at, LOW_X, count).fma(a, b);
      Lanes.store(VectorActivation.value(ACTIVATION, z), to, LOW_RESULT, count);
      at += x.stride();
      to += y.stride();
    }
  }

  @Override
  public void gradientSums(
      Rows x,
      Rows dy,
      long rows,
      float[] scale,
      float[] shift,
      Activation f,
      float[] center,
      double[] sums,
      double[] products) {
    int channels = sums.length;
    for (long r = 0; r < rows; r += CHUNK) {
      int n = (int) Math.min(CHUNK, rows - r);
      int c = 0;
      for (; c + BLOCK <= channels; c += BLOCK) {
        gradientSumsBlock(x, dy, r, n, c, scale, shift, center, sums, products);
      }
      for (; c < channels; c += N) {
        int count = Math.min(N, channels - c);
        gradientSumsTail(x, dy, r, n, c, count, scale, shift, center, sums, products);
      }
    }
  }

  private static void gradientSumsBlock(
      Rows x,
      Rows dy,
      long row,
      int rows,
      int c,
      float[] scale,
      float[] shift,
      float[] center,
      double[] sums,
      double[] products) {
    long at = x.at(row) + (long) c * x.size();
    long from = dy.at(row) + (long) c * dy.size();
    int vx = N * x.size();
    int vdy = N * dy.size();
    FloatVector a0 = FloatVector.fromArray(F, scale, c);
    FloatVector a1 = FloatVector.fromArray(F, scale, c + N);
    FloatVector b0 = FloatVector.fromArray(F, shift, c);
    FloatVector b1 = FloatVector.fromArray(F, shift, c + N);
    FloatVector m0 = FloatVector.fromArray(F, center, c);
    FloatVector m1 = FloatVector.fromArray(F, center, c + N);
    FloatVector s0 = FloatVector.zero(F);
    FloatVector s1 = s0;
    FloatVector q0 = s0;
    FloatVector q1 = s0;
    for (int r = 0; r < rows; r++) {
      FloatVector x0 = loadX(at);
      FloatVector x1 = loadX(at + vx);
      FloatVector d0 = VectorActivation.gradient(ACTIVATION, x0.fma(a0, b0), loadDy(from));
      FloatVector d1 = VectorActivation.gradient(ACTIVATION, x1.fma(a1, b1), loadDy(from + vdy));
      s0 = s0.add(d0);
      s1 = s1.add(d1);
      q0 = d0.fma(x0.sub(m0), q0);
      q1 = d1.fma(x1.sub(m1), q1);
      at += x.stride();
      from += dy.stride();
    }
    addTo(sums, c, s0);
    addTo(sums, c + N, s1);
    addTo(products, c, q0);
    addTo(products, c + N, q1);
  }

  private static void gradientSumsTail(
      Rows x,
      Rows dy,
      long row,
      int rows,
      int c,
      int count,
      float[] scale,
      float[] shift,
      float[] center,
      double[] sums,
      double[] products) {
    long at = x.at(row) + (long) c * x.size();
    long from = dy.at(row) + (long) c * dy.size();
    FloatVector a = FloatVector.fromArray(F, scale, c, F.indexInRange(0, count));
    FloatVector b = FloatVector.fromArray(F, shift, c, F.indexInRange(0, count));
    FloatVector m = FloatVector.fromArray(F, center, c, F.indexInRange(0, count));
    FloatVector s = FloatVector.zero(F);
    FloatVector q = s;
    for (int r = 0; r < rows; r++) {
      FloatVector v = Lanes.load(at, LOW_X, count);
      FloatVector d =
          VectorActivation.gradient(ACTIVATION, v.fma(a, b), Lanes.load(from, LOW_DY, count));
      s = s.add(d);
      q = d.fma(v.sub(m), q);
      at += x.stride();
      from += dy.stride();
    }
    addTo(sums, c, s, count);
    addTo(products, c, q, count);
  }

  @Override
  public void gradientApply(
      Rows x,
      Rows dy,
      long rows,
      float[] scale,
      float[] shift,
      Activation f,
      float[] a,
      float[] b,
      float[] d,
      Rows dx) {
    int channels = scale.length;
    int c = 0;
    for (; c + BLOCK <= channels; c += BLOCK) {
      gradientApplyBlock(x, dy, rows, c, scale, shift, a, b, d, dx);
    }
    for (; c < channels; c += N) {
      gradientApplyTail(x, dy, rows, c, Math.min(N, channels - c), scale, shift, a, b, d, dx);
    }
  }

  private static void gradientApplyBlock(
      Rows x,
      Rows dy,
      long rows,
      int c,
      float[] scale,
      float[] shift,
      float[] a,
      float[] b,
      float[] d,
      Rows dx) {
    long at = x.address() + (long) c * x.size();
    long from = dy.address() + (long) c * dy.size();
    long to = dx.address() + (long) c * dx.size();
    int vx = N * x.size();
    int vdy = N * dy.size();
    int vdx = N * dx.size();
    FloatVector k0 = FloatVector.fromArray(F, scale, c);
    FloatVector k1 = FloatVector.fromArray(F, scale, c + N);
    FloatVector l0 = FloatVector.fromArray(F, shift, c);
    FloatVector l1 = FloatVector.fromArray(F, shift, c + N);
    FloatVector a0 = FloatVector.fromArray(F, a, c);
    FloatVector a1 = FloatVector.fromArray(F, a, c + N);
    FloatVector b0 = FloatVector.fromArray(F, b, c);
    FloatVector b1 = FloatVector.fromArray(F, b, c + N);
    FloatVector e0 = FloatVector.fromArray(F, d, c);
    FloatVector e1 = FloatVector.fromArray(F, d, c + N);
    for (long r = 0; r < rows; r++) {
      FloatVector x0 = loadX(at);
      FloatVector x1 = loadX(at + vx);
      FloatVector d0 = VectorActivation.gradient(ACTIVATION, x0.fma(k0, l0), loadDy(from));
      FloatVector d1 = VectorActivation.gradient(ACTIVATION, x1.fma(k1, l1), loadDy(from + vdy));
      put(d0.fma(a0, x0.fma(b0, e0)), to);
      put(d1.fma(a1, x1.fma(b1, e1)), to + vdx);
      at += x.stride();
      from += dy.stride();
      to += dx.stride();
    }
  }

  private static void gradientApplyTail(
      Rows x,
      Rows dy,
      long rows,
      int c,
      int count,
      float[] scale,
      float[] shift,
      float[] a,
      float[] b,
      float[] d,
      Rows dx) {
    long at = x.address() + (long) c * x.size();
    long from = dy.address() + (long) c * dy.size();
    long to = dx.address() + (long) c * dx.size();
    var mask = F.indexInRange(0, count);
    FloatVector k0 = FloatVector.fromArray(F, scale, c, mask);
    FloatVector l0 = FloatVector.fromArray(F, shift, c, mask);
    FloatVector a0 = FloatVector.fromArray(F, a, c, mask);
    FloatVector b0 = FloatVector.fromArray(F, b, c, mask);
    FloatVector e0 = FloatVector.fromArray(F, d, c, mask);
    for (long r = 0; r < rows; r++) {
      FloatVector v = Lanes.load(at, LOW_X, count);
      FloatVector g =
          VectorActivation.gradient(ACTIVATION, v.fma(k0, l0), Lanes.load(from, LOW_DY, count));
      Lanes.store(g.fma(a0, v.fma(b0, e0)), to, LOW_RESULT, count);
      at += x.stride();
      from += dy.stride();
      to += dx.stride();
    }
  }

  private static void addTo(double[] sums, int c, FloatVector part) {
    addTo(sums, c, (DoubleVector) part.convertShape(VectorOperators.F2D, D, 0));
    addTo(sums, c + N / 2, (DoubleVector) part.convertShape(VectorOperators.F2D, D, 1));
  }

  private static void addTo(double[] sums, int c, DoubleVector part) {
    part.add(DoubleVector.fromArray(D, sums, c)).intoArray(sums, c);
  }

  private static void addTo(double[] sums, int c, FloatVector part, int count) {
    for (int i = 0; i < count; i++) {
      sums[c + i] += part.lane(i);
    }
  }

  private static FloatVector loadX(long address) {
    return LOW_X ? Lanes.loadLow(address) : Lanes.load(address);
  }

  private static FloatVector loadDy(long address) {
    return LOW_DY ? Lanes.loadLow(address) : Lanes.load(address);
  }

  private static void put(FloatVector value, long address) {
    if (LOW_RESULT) {
      Lanes.storeLow(value, address);
    } else {
      Lanes.store(value, address);
    }
  }
}
