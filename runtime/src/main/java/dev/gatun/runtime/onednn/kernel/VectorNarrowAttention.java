package dev.gatun.runtime.onednn.kernel;

import static dev.gatun.runtime.onednn.kernel.Lanes.F;
import static dev.gatun.runtime.onednn.kernel.Lanes.N;

import jdk.incubator.vector.FloatVector;

/**
 * Attention of narrow heads with tokens in the lanes, for the compiler of {@link
 * NativeKernelWriter}: the JVM's own keeps too few of sixteen sums in registers.
 */
final class VectorNarrowAttention implements NarrowAttentionKernels {

  private static final long VECTOR = 4L * N;

  @Override
  public void transpose(long x, int rows, int columns, long y) {
    long to = y;
    for (int c = 0; c < columns; c++) {
      long from = x + 4L * c;
      for (int r = 0; r < rows; r++) {
        Memory.putFloat(to, Memory.getFloat(from));
        from += 4L * columns;
        to += 4;
      }
    }
  }

  @Override
  public void forward(
      long q,
      long keys,
      long values,
      long start,
      int rows,
      int width,
      int size,
      float scale,
      long scores,
      long product,
      long denominators,
      long shifts) {
    for (int r = 0; r < rows; r += ROWS) {
      long row = 4L * r * size;
      outer(q + row, keys, start, size, width, scores);
      VectorAttention.softmaxWithoutLogarithms(
          scores, ROWS, width, scale, denominators + 4L * r, shifts + 4L * r);
      inner(scores, values, size, width, product + row);
    }
  }

  @Override
  public void gradient(
      long k,
      long v,
      long queries,
      long douts,
      long zeros,
      int tokens,
      int width,
      int size,
      float scale,
      long logSumExp,
      long delta,
      long scores,
      long dk,
      long dv,
      long dqueries) {
    long bytes = 4L * width;
    long dscores = scores + ROWS * bytes;
    for (int j = 0; j < tokens; j += ROWS) {
      long row = 4L * j * size;
      outer(k + row, queries, zeros, size, width, scores);
      outer(v + row, douts, zeros, size, width, dscores);
      for (int r = 0; r < ROWS; r++) {
        long d = dscores + r * bytes;
        if (j + r < tokens) {
          VectorAttention.gradientRow(scores + r * bytes, d, width, scale, logSumExp, delta);
        } else {
          zero(d, bytes);
        }
      }
      inner(scores, douts, size, width, dv + row);
      inner(dscores, queries, size, width, dk + row);
      accumulate(k + row, dscores, size, width, dqueries);
    }
  }

  private static void zero(long address, long bytes) {
    for (long at = address; at < address + bytes; at += VECTOR) {
      Lanes.store(FloatVector.zero(F), at);
    }
  }

  /** y[r, j] = start[j] + sum_c a[r, c] b[c, j] of four rows, four vectors or one at a time. */
  private static void outer(long a, long b, long start, int size, int width, long y) {
    long bytes = 4L * width;
    int j = 0;
    for (; j + 4 * N <= width; j += 4 * N) {
      outerOfFour(a, b + 4L * j, start + 4L * j, size, bytes, y + 4L * j);
    }
    for (; j < width; j += N) {
      outerOfOne(a, b + 4L * j, start + 4L * j, size, bytes, y + 4L * j);
    }
  }

  private static void outerOfFour(long a, long b, long start, int size, long bytes, long y) {
    FloatVector a0 = Lanes.load(start);
    FloatVector a1 = Lanes.load(start + VECTOR);
    FloatVector a2 = Lanes.load(start + 2L * VECTOR);
    FloatVector a3 = Lanes.load(start + 3L * VECTOR);
    FloatVector b0 = a0;
    FloatVector b1 = a1;
    FloatVector b2 = a2;
    FloatVector b3 = a3;
    FloatVector c0 = a0;
    FloatVector c1 = a1;
    FloatVector c2 = a2;
    FloatVector c3 = a3;
    FloatVector d0 = a0;
    FloatVector d1 = a1;
    FloatVector d2 = a2;
    FloatVector d3 = a3;
    long row = 4L * size;
    long left = a;
    long right = b;
    for (int c = 0; c < size; c++) {
      FloatVector v0 = Lanes.load(right);
      FloatVector v1 = Lanes.load(right + VECTOR);
      FloatVector v2 = Lanes.load(right + 2L * VECTOR);
      FloatVector v3 = Lanes.load(right + 3L * VECTOR);
      FloatVector f = Lanes.broadcast(left);
      a0 = v0.fma(f, a0);
      a1 = v1.fma(f, a1);
      a2 = v2.fma(f, a2);
      a3 = v3.fma(f, a3);
      FloatVector g = Lanes.broadcast(left + row);
      b0 = v0.fma(g, b0);
      b1 = v1.fma(g, b1);
      b2 = v2.fma(g, b2);
      b3 = v3.fma(g, b3);
      FloatVector h = Lanes.broadcast(left + 2L * row);
      c0 = v0.fma(h, c0);
      c1 = v1.fma(h, c1);
      c2 = v2.fma(h, c2);
      c3 = v3.fma(h, c3);
      FloatVector i = Lanes.broadcast(left + 3L * row);
      d0 = v0.fma(i, d0);
      d1 = v1.fma(i, d1);
      d2 = v2.fma(i, d2);
      d3 = v3.fma(i, d3);
      left += 4;
      right += bytes;
    }
    put(a0, a1, a2, a3, y);
    put(b0, b1, b2, b3, y + bytes);
    put(c0, c1, c2, c3, y + 2 * bytes);
    put(d0, d1, d2, d3, y + 3 * bytes);
  }

  private static void put(FloatVector a, FloatVector b, FloatVector c, FloatVector d, long to) {
    Lanes.store(a, to);
    Lanes.store(b, to + VECTOR);
    Lanes.store(c, to + 2L * VECTOR);
    Lanes.store(d, to + 3L * VECTOR);
  }

  private static void outerOfOne(long a, long b, long start, int size, long bytes, long y) {
    FloatVector a0 = Lanes.load(start);
    FloatVector b0 = a0;
    FloatVector c0 = a0;
    FloatVector d0 = a0;
    long row = 4L * size;
    long left = a;
    long right = b;
    for (int c = 0; c < size; c++) {
      FloatVector v = Lanes.load(right);
      a0 = v.fma(Lanes.broadcast(left), a0);
      b0 = v.fma(Lanes.broadcast(left + row), b0);
      c0 = v.fma(Lanes.broadcast(left + 2L * row), c0);
      d0 = v.fma(Lanes.broadcast(left + 3L * row), d0);
      left += 4;
      right += bytes;
    }
    Lanes.store(a0, y);
    Lanes.store(b0, y + bytes);
    Lanes.store(c0, y + 2 * bytes);
    Lanes.store(d0, y + 3 * bytes);
  }

  /** y[r, c] = sum_j a[r, j] b[c, j] of four rows, four channels at a time. */
  private static void inner(long a, long b, int size, int width, long y) {
    long bytes = 4L * width;
    for (int c = 0; c < size; c += 4) {
      innerOfFour(a, b + c * bytes, bytes, y + 4L * c, 4L * size);
    }
  }

  private static void innerOfFour(long a, long b, long bytes, long y, long row) {
    FloatVector a0 = FloatVector.zero(F);
    FloatVector a1 = FloatVector.zero(F);
    FloatVector a2 = FloatVector.zero(F);
    FloatVector a3 = FloatVector.zero(F);
    FloatVector b0 = FloatVector.zero(F);
    FloatVector b1 = FloatVector.zero(F);
    FloatVector b2 = FloatVector.zero(F);
    FloatVector b3 = FloatVector.zero(F);
    FloatVector c0 = FloatVector.zero(F);
    FloatVector c1 = FloatVector.zero(F);
    FloatVector c2 = FloatVector.zero(F);
    FloatVector c3 = FloatVector.zero(F);
    FloatVector d0 = FloatVector.zero(F);
    FloatVector d1 = FloatVector.zero(F);
    FloatVector d2 = FloatVector.zero(F);
    FloatVector d3 = FloatVector.zero(F);
    for (long j = 0; j < bytes; j += VECTOR) {
      FloatVector v0 = Lanes.load(b + j);
      FloatVector v1 = Lanes.load(b + bytes + j);
      FloatVector v2 = Lanes.load(b + 2 * bytes + j);
      FloatVector v3 = Lanes.load(b + 3 * bytes + j);
      FloatVector f = Lanes.load(a + j);
      a0 = v0.fma(f, a0);
      a1 = v1.fma(f, a1);
      a2 = v2.fma(f, a2);
      a3 = v3.fma(f, a3);
      FloatVector g = Lanes.load(a + bytes + j);
      b0 = v0.fma(g, b0);
      b1 = v1.fma(g, b1);
      b2 = v2.fma(g, b2);
      b3 = v3.fma(g, b3);
      FloatVector h = Lanes.load(a + 2 * bytes + j);
      c0 = v0.fma(h, c0);
      c1 = v1.fma(h, c1);
      c2 = v2.fma(h, c2);
      c3 = v3.fma(h, c3);
      FloatVector i = Lanes.load(a + 3 * bytes + j);
      d0 = v0.fma(i, d0);
      d1 = v1.fma(i, d1);
      d2 = v2.fma(i, d2);
      d3 = v3.fma(i, d3);
    }
    putSums(a0, a1, a2, a3, y);
    putSums(b0, b1, b2, b3, y + row);
    putSums(c0, c1, c2, c3, y + 2 * row);
    putSums(d0, d1, d2, d3, y + 3 * row);
  }

  private static void putSums(FloatVector a, FloatVector b, FloatVector c, FloatVector d, long to) {
    Memory.putFloat(to, Lanes.fold(a));
    Memory.putFloat(to + 4, Lanes.fold(b));
    Memory.putFloat(to + 8, Lanes.fold(c));
    Memory.putFloat(to + 12, Lanes.fold(d));
  }

  /** y[c, i] += sum_r a[r, c] b[r, i] of four rows, two channels at a time. */
  private static void accumulate(long a, long b, int size, int width, long y) {
    long bytes = 4L * width;
    for (int c = 0; c < size; c += 2) {
      accumulateTwo(a + 4L * c, 4L * size, b, bytes, y + c * bytes);
    }
  }

  private static void accumulateTwo(long a, long row, long b, long bytes, long y) {
    FloatVector a0 = Lanes.broadcast(a);
    FloatVector a1 = Lanes.broadcast(a + 4);
    FloatVector b0 = Lanes.broadcast(a + row);
    FloatVector b1 = Lanes.broadcast(a + row + 4);
    FloatVector c0 = Lanes.broadcast(a + 2 * row);
    FloatVector c1 = Lanes.broadcast(a + 2 * row + 4);
    FloatVector d0 = Lanes.broadcast(a + 3 * row);
    FloatVector d1 = Lanes.broadcast(a + 3 * row + 4);
    for (long i = 0; i < bytes; i += VECTOR) {
      FloatVector v0 = Lanes.load(b + i);
      FloatVector v1 = Lanes.load(b + bytes + i);
      FloatVector v2 = Lanes.load(b + 2 * bytes + i);
      FloatVector v3 = Lanes.load(b + 3 * bytes + i);
      FloatVector s = v0.fma(a0, Lanes.load(y + i));
      FloatVector t = v0.fma(a1, Lanes.load(y + bytes + i));
      s = v1.fma(b0, s);
      t = v1.fma(b1, t);
      s = v2.fma(c0, s);
      t = v2.fma(c1, t);
      Lanes.store(v3.fma(d0, s), y + i);
      Lanes.store(v3.fma(d1, t), y + bytes + i);
    }
  }
}
