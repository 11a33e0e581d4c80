package dev.gatun.runtime.onednn.kernel;

import static dev.gatun.runtime.onednn.kernel.Lanes.F;
import static dev.gatun.runtime.onednn.kernel.Lanes.N;

import dev.gatun.runtime.op.Activation;
import java.lang.invoke.MethodHandles;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;
import org.jspecify.annotations.Nullable;

/**
 * The passes, a vector of channels at a time down all rows; what is left of the channels is done
 * under a mask. A loop holds little, so that the compiler inlines all of it: a vector that it does
 * not inline is an object on the heap. Run as copies for an activation and the dtypes of (x, dy or
 * the residual, the result): see {@link Specialization}.
 */
final class VectorNormalization implements NormalizationKernels {

  private static final Specialization FOR = Specialization.of(MethodHandles.lookup());
  private static final Activation ACTIVATION = FOR.activation();
  private static final boolean LOW_X = FOR.low0();
  private static final boolean LOW_DY = FOR.low1();
  private static final boolean LOW_RESULT = FOR.low2();

  /** Rows whose sum is kept in fp32 before it goes into the double. */
  private static final int CHUNK = 256;

  /**
   * Whether a loop with the activation is too long for the JVM's compiler to inline the rounding to
   * BFLOAT16 as well: results then go to a block in fp32 first.
   */
  private static final boolean APART =
      LOW_RESULT
          && ACTIVATION != Activation.IDENTITY
          && ACTIVATION != Activation.RELU
          && !Lanes.AHEAD;

  /** Rows of the block. */
  private static final int BLOCK = 64;

  /**
   * Numbers of rows of which all channels are done before the next ones; some more where they are
   * few.
   */
  private static final int TURN = 8 << 10;

  private static final VectorSpecies<Double> D = F.vectorShape().withLanes(double.class);

  @Override
  public void moments(
      Rows x, long first, long rows, float[] pivot, double[] sums, double[] squares) {
    int channels = sums.length;
    int chunk = chunk(channels);
    for (long r = 0; r < rows; r += chunk) {
      int n = (int) Math.min(chunk, rows - r);
      int c = 0;
      for (; c + N <= channels; c += N) {
        momentsVector(x, first + r, n, c, pivot, sums, squares);
      }
      if (c < channels) {
        momentsTail(x, first + r, n, c, channels - c, pivot, sums, squares);
      }
    }
  }

  private static void momentsVector(
      Rows x, long row, int rows, int c, float[] pivot, double[] sums, double[] squares) {
    long step = x.stride();
    long at = x.at(row) + (long) c * x.size();
    FloatVector p = FloatVector.fromArray(F, pivot, c);
    FloatVector s = FloatVector.zero(F);
    FloatVector q = s;
    for (int r = 0; r < rows; r++) {
      FloatVector v = loadX(at).sub(p);
      s = s.add(v);
      q = v.fma(v, q);
      at += step;
    }
    addTo(sums, c, s);
    addTo(squares, c, q);
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
  public void apply(
      Rows x, long first, long rows, float[] scale, float[] shift, Activation f, Rows y) {
    int channels = scale.length;
    int whole = channels - channels % N;
    float[] block = block();
    int turn = turn(channels);
    for (long r = 0; r < rows; r += turn) {
      int n = (int) Math.min(turn, rows - r);
      for (int c = 0; c < whole; c += N) {
        applyVector(x, first + r, n, c, scale, shift, block, y);
        finish(block, y, first + r, n, c);
      }
    }
    if (whole < channels) {
      applyTail(x, first, rows, whole, channels - whole, scale, shift, y);
    }
  }

  private static void applyVector(
      Rows x, long first, int rows, int c, float[] scale, float[] shift, float[] block, Rows y) {
    long at = x.at(first) + (long) c * x.size();
    long to = y.at(first) + (long) c * y.size();
    FloatVector a = FloatVector.fromArray(F, scale, c);
    FloatVector b = FloatVector.fromArray(F, shift, c);
    for (int r = 0; r < rows; r++) {
      put(VectorActivation.value(ACTIVATION, loadX(at).fma(a, b)), block, r, to);
      at += x.stride();
      to += y.stride();
    }
  }

  private static void applyTail(
      Rows x, long first, long rows, int c, int count, float[] scale, float[] shift, Rows y) {
    long at = x.at(first) + (long) c * x.size();
    long to = y.at(first) + (long) c * y.size();
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
  public void applyAndAdd(
      Rows x,
      @Nullable Rows residual,
      long first,
      long rows,
      float[] scale,
      float[] shift,
      Activation f,
      float[] after,
      Rows y) {
    int channels = scale.length;
    int whole = channels - channels % N;
    float[] block = block();
    int turn = turn(channels);
    for (long r = 0; r < rows; r += turn) {
      int n = (int) Math.min(turn, rows - r);
      for (int c = 0; c < whole; c += N) {
        if (residual == null) {
          applyAndShift(x, first + r, n, c, scale, shift, after, block, y);
        } else {
          applyAndAdd(x, residual, first + r, n, c, scale, shift, after, block, y);
        }
        finish(block, y, first + r, n, c);
      }
    }
    if (whole < channels) {
      applyAndAddTail(x, residual, first, rows, whole, channels - whole, scale, shift, after, y);
    }
  }

  private static void applyAndShift(
      Rows x,
      long first,
      int rows,
      int c,
      float[] scale,
      float[] shift,
      float[] after,
      float[] block,
      Rows y) {
    long at = x.at(first) + (long) c * x.size();
    long to = y.at(first) + (long) c * y.size();
    FloatVector a = FloatVector.fromArray(F, scale, c);
    FloatVector b = FloatVector.fromArray(F, shift, c);
    FloatVector t = FloatVector.fromArray(F, after, c);
    for (int r = 0; r < rows; r++) {
      put(VectorActivation.value(ACTIVATION, loadX(at).fma(a, b)).add(t), block, r, to);
      at += x.stride();
      to += y.stride();
    }
  }

  private static void applyAndAdd(
      Rows x,
      Rows residual,
      long first,
      int rows,
      int c,
      float[] scale,
      float[] shift,
      float[] after,
      float[] block,
      Rows y) {
    long at = x.at(first) + (long) c * x.size();
    long from = residual.at(first) + (long) c * residual.size();
    long to = y.at(first) + (long) c * y.size();
    FloatVector a = FloatVector.fromArray(F, scale, c);
    FloatVector b = FloatVector.fromArray(F, shift, c);
    FloatVector t = FloatVector.fromArray(F, after, c);
    for (int r = 0; r < rows; r++) {
      FloatVector value = VectorActivation.value(ACTIVATION, loadX(at).fma(a, b));
      put(value.add(t).add(loadDy(from)), block, r, to);
      at += x.stride();
      from += residual.stride();
      to += y.stride();
    }
  }

  private static void applyAndAddTail(
      Rows x,
      @Nullable Rows residual,
      long first,
      long rows,
      int c,
      int count,
      float[] scale,
      float[] shift,
      float[] after,
      Rows y) {
    var mask = F.indexInRange(0, count);
    FloatVector a = FloatVector.fromArray(F, scale, c, mask);
    FloatVector b = FloatVector.fromArray(F, shift, c, mask);
    FloatVector t = FloatVector.fromArray(F, after, c, mask);
    for (long r = first; r < first + rows; r++) {
      FloatVector z = Lanes.load(x.at(r) + (long) c * x.size(), LOW_X, count).fma(a, b);
      FloatVector sum = VectorActivation.value(ACTIVATION, z).add(t);
      if (residual != null) {
        long from = residual.at(r) + (long) c * residual.size();
        sum = sum.add(Lanes.load(from, LOW_DY, count));
      }
      Lanes.store(sum, y.at(r) + (long) c * y.size(), LOW_RESULT, count);
    }
  }

  @Override
  public void gradientSums(
      Rows x,
      Rows dy,
      long first,
      long rows,
      float[] scale,
      float[] shift,
      Activation f,
      float[] center,
      double[] sums,
      double[] products) {
    int channels = sums.length;
    int chunk = chunk(channels);
    for (long r = 0; r < rows; r += chunk) {
      int n = (int) Math.min(chunk, rows - r);
      int c = 0;
      for (; c + N <= channels; c += N) {
        gradientSumsVector(x, dy, first + r, n, c, scale, shift, center, sums, products);
      }
      if (c < channels) {
        int count = channels - c;
        gradientSumsTail(x, dy, first + r, n, c, count, scale, shift, center, sums, products);
      }
    }
  }

  private static void gradientSumsVector(
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
    FloatVector a = FloatVector.fromArray(F, scale, c);
    FloatVector b = FloatVector.fromArray(F, shift, c);
    FloatVector m = FloatVector.fromArray(F, center, c);
    FloatVector s = FloatVector.zero(F);
    FloatVector q = s;
    for (int r = 0; r < rows; r++) {
      FloatVector v = loadX(at);
      FloatVector d = VectorActivation.gradient(ACTIVATION, v.fma(a, b), loadDy(from));
      s = s.add(d);
      q = d.fma(v.sub(m), q);
      at += x.stride();
      from += dy.stride();
    }
    addTo(sums, c, s);
    addTo(products, c, q);
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
      long first,
      long rows,
      float[] scale,
      float[] shift,
      Activation f,
      float[] a,
      float[] b,
      float[] d,
      Rows dx) {
    int channels = scale.length;
    int whole = channels - channels % N;
    float[] block = block();
    int turn = turn(channels);
    for (long r = 0; r < rows; r += turn) {
      int n = (int) Math.min(turn, rows - r);
      for (int c = 0; c < whole; c += N) {
        gradientApplyVector(x, dy, first + r, n, c, scale, shift, a, b, d, block, dx);
        finish(block, dx, first + r, n, c);
      }
    }
    if (whole < channels) {
      gradientApplyTail(x, dy, first, rows, whole, channels - whole, scale, shift, a, b, d, dx);
    }
  }

  private static void gradientApplyVector(
      Rows x,
      Rows dy,
      long first,
      int rows,
      int c,
      float[] scale,
      float[] shift,
      float[] a,
      float[] b,
      float[] d,
      float[] block,
      Rows dx) {
    long at = x.at(first) + (long) c * x.size();
    long from = dy.at(first) + (long) c * dy.size();
    long to = dx.at(first) + (long) c * dx.size();
    FloatVector k = FloatVector.fromArray(F, scale, c);
    FloatVector l = FloatVector.fromArray(F, shift, c);
    FloatVector fa = FloatVector.fromArray(F, a, c);
    FloatVector fb = FloatVector.fromArray(F, b, c);
    FloatVector fd = FloatVector.fromArray(F, d, c);
    for (int r = 0; r < rows; r++) {
      FloatVector v = loadX(at);
      FloatVector g = VectorActivation.gradient(ACTIVATION, v.fma(k, l), loadDy(from));
      put(g.fma(fa, v.fma(fb, fd)), block, r, to);
      at += x.stride();
      from += dy.stride();
      to += dx.stride();
    }
  }

  private static void gradientApplyTail(
      Rows x,
      Rows dy,
      long first,
      long rows,
      int c,
      int count,
      float[] scale,
      float[] shift,
      float[] a,
      float[] b,
      float[] d,
      Rows dx) {
    long at = x.at(first) + (long) c * x.size();
    long from = dy.at(first) + (long) c * dy.size();
    long to = dx.at(first) + (long) c * dx.size();
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

  /** To row {@code row} of the block, or at once to the result at {@code address}. */
  private static void put(FloatVector value, float[] block, int row, long address) {
    if (APART) {
      value.intoArray(block, row * N);
    } else if (LOW_RESULT) {
      Lanes.storeLow(value, address);
    } else {
      Lanes.store(value, address);
    }
  }

  private static float[] block() {
    return new float[APART ? BLOCK * N : 0];
  }

  /** Rows of which all sums are brought up to date before the next ones. */
  private static int chunk(int channels) {
    return Math.min(CHUNK, 16 + TURN / channels);
  }

  /** Rows of which all channels are done before the next ones. */
  private static int turn(int channels) {
    return Math.min(BLOCK, 8 + TURN / channels);
  }

  /** Brings the rows of the block, if there is one, to channels c to c + N of the result. */
  private static void finish(float[] block, Rows result, long first, int rows, int c) {
    if (APART) {
      long to = result.at(first) + (long) c * result.size();
      for (int r = 0; r < rows; r++) {
        Lanes.storeLow(FloatVector.fromArray(F, block, r * N), to);
        to += result.stride();
      }
    }
  }
}
