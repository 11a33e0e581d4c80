package dev.gatun.runtime.onednn.kernel;

import static dev.gatun.runtime.onednn.kernel.Lanes.F;
import static dev.gatun.runtime.onednn.kernel.Lanes.N;

import java.lang.foreign.Arena;
import jdk.incubator.vector.FloatVector;

/**
 * The transformations over vectors of channels, which must fill them. One row or column of the 4x4
 * at a time, so that a loop has few values alive and is compiled as a whole; what is missing is
 * read from zeros, so that no loop branches.
 *
 * <p>The loops end at {@code !=}, not at {@code <}: C2 does not take them for counted ones then,
 * whose checks it would move before the loop, where they cost more than they do in the four turns
 * of 64 channels. Each has one call, in a loop: copies of it in one method are too much for C2, and
 * vectors become objects.
 */
final class VectorWinograd implements WinogradKernels {

  private static final int MOST_CHANNELS = 4096;
  private static final long ZEROS = Arena.global().allocate(4L * MOST_CHANNELS, 64).address();

  /** Column j of x B is column P[j] + SIGN[j] * column Q[j] of x. */
  private static final int[] DATA_P = {0, 1, 2, 1};

  private static final int[] DATA_Q = {2, 2, 1, 3};
  private static final float[] DATA_SIGN = {-1, 1, -1, -1};

  @Override
  public boolean suits(int channels) {
    return channels % N == 0 && channels <= MOST_CHANNELS;
  }

  @Override
  public void data(Tiling tiling, Rows x, long first, int count, int rows, long v) {
    int channels = tiling.channels();
    long plane = 4 * WinogradKernels.distance(rows, channels);
    long[] at = new long[16];
    for (int t = 0; t < count; t++) {
      tiling.addresses(x, first + t, 4, ZEROS, at);
      long to = v + 4L * t * channels;
      for (int j = 0; j < 4; j++) {
        dataColumn(at, DATA_P[j], DATA_Q[j], DATA_SIGN[j], to + j * plane, 4 * plane, channels);
      }
    }
  }

  /** d = column p + sign * column q of the tile, and of it B^T d. */
  private static void dataColumn(
      long[] at, int p, int q, float sign, long to, long plane, int channels) {
    long p0 = at[p];
    long p1 = at[4 + p];
    long p2 = at[8 + p];
    long p3 = at[12 + p];
    long q0 = at[q];
    long q1 = at[4 + q];
    long q2 = at[8 + q];
    long q3 = at[12 + q];
    for (int c = 0; c != channels; c += N) {
      long offset = 4L * c;
      FloatVector d0 = sum(p0, q0, sign, offset);
      FloatVector d1 = sum(p1, q1, sign, offset);
      FloatVector d2 = sum(p2, q2, sign, offset);
      FloatVector d3 = sum(p3, q3, sign, offset);
      store4(d0.sub(d2), d1.add(d2), d2.sub(d1), d1.sub(d3), to + 4L * c, plane);
    }
  }

  @Override
  public void gradient(Tiling tiling, Rows dy, long first, int count, long v) {
    int channels = tiling.channels();
    long plane = 4 * WinogradKernels.distance(count, channels);
    long[] at = new long[4];
    for (int t = 0; t < count; t++) {
      tiling.addresses(dy, first + t, 2, ZEROS, at);
      long to = v + 4L * t * channels;
      for (int j = 0; j < 4; j++) {
        long p0 = j < 3 ? at[0] : ZEROS;
        long p1 = j < 3 ? at[2] : ZEROS;
        long q0 = j > 0 ? at[1] : ZEROS;
        long q1 = j > 0 ? at[3] : ZEROS;
        gradientColumn(p0, q0, p1, q1, j < 2 ? 1 : -1, to + j * plane, 4 * plane, channels);
      }
    }
  }

  /** d = column p + sign * column q of the tile, and of it A d. */
  private static void gradientColumn(
      long p0, long q0, long p1, long q1, float sign, long to, long plane, int channels) {
    for (int c = 0; c != channels; c += N) {
      long offset = 4L * c;
      FloatVector d0 = sum(p0, q0, sign, offset);
      FloatVector d1 = sum(p1, q1, sign, offset);
      store4(d0, d0.add(d1), d0.sub(d1), d1.neg(), to + 4L * c, plane);
    }
  }

  @Override
  public void result(Tiling tiling, long m, long bias, long first, int count, Rows y) {
    int channels = tiling.channels();
    long plane = 4 * WinogradKernels.distance(count, channels);
    long shift = bias == 0 ? ZEROS : bias;
    long[] at = new long[4];
    for (int t = 0; t < count; t++) {
      long from = m + 4L * t * channels;
      tiling.addresses(y, first + t, 2, 0, at);
      for (int r = 0; r < 2; r++) {
        long row = from + 4 * r * plane;
        resultRow(row, 1 - 2 * r, plane, shift, at[2 * r], at[2 * r + 1], channels);
      }
    }
  }

  /** z = row 0 + sign * (row 1 + row 2) of the matrices from m on, and of it z A + bias. */
  private static void resultRow(
      long m, float sign, long plane, long bias, long left, long right, int channels) {
    // a pixel outside is dropped on numbers that nobody reads any more
    long toLeft = left == 0 ? m : left;
    long toRight = right == 0 ? m : right;
    for (int c = 0; c != channels; c += N) {
      long at = m + 4L * c;
      FloatVector z0 = three(at, plane, sign);
      FloatVector z1 = three(at + plane, plane, sign);
      FloatVector z2 = three(at + 2 * plane, plane, sign);
      FloatVector z3 = three(at + 3 * plane, plane, sign);
      FloatVector shift = Lanes.load(bias + 4L * c);
      Lanes.store(z0.add(z1.add(z2)).add(shift), toLeft + 4L * c);
      Lanes.store(z1.sub(z2.add(z3)).add(shift), toRight + 4L * c);
    }
  }

  private static FloatVector three(long at, long plane, float sign) {
    return plus(Lanes.load(at), Lanes.load(at + 4 * plane).add(Lanes.load(at + 8 * plane)), sign);
  }

  @Override
  public void filter(
      Rows w, int outChannels, int channels, int first, int last, boolean turned, long u) {
    long plane = 4 * WinogradKernels.distance(outChannels, channels);
    long tap = turned ? -w.stride() : w.stride();
    for (int o = first; o < last; o++) {
      long top = w.at(9L * o + (turned ? 8 : 0));
      long bottom = top + 6 * tap;
      long to = u + 4L * o * channels;
      for (int i = 0; i < 4; i++) {
        boolean inner = i == 1 || i == 2;
        long p = i < 3 ? top : bottom;
        long q = i == 0 ? top : bottom;
        long r = inner ? top + 3 * tap : ZEROS;
        filterRow(
            p, q, r, inner ? tap : 0, i < 2 ? 1 : -1, tap, to + 4 * i * plane, plane, channels);
      }
    }
  }

  /** h = (p + q + sign * r) / 2 from rows of w, and of it h G^T. */
  private static void filterRow(
      long p,
      long q,
      long r,
      long tapOfR,
      float sign,
      long tap,
      long to,
      long plane,
      int channels) {
    for (int c = 0; c != channels; c += N) {
      long at = 4L * c;
      FloatVector h0 = half(p + at, q + at, r + at, sign);
      FloatVector h1 = half(p + tap + at, q + tap + at, r + tapOfR + at, sign).mul(0.5f);
      FloatVector h2 = half(p + 2 * tap + at, q + 2 * tap + at, r + 2 * tapOfR + at, sign);
      FloatVector outer = h0.add(h2).mul(0.5f);
      store4(h0, outer.add(h1), outer.sub(h1), h2, to + 4L * c, plane);
    }
  }

  private static FloatVector half(long p, long q, long r, float sign) {
    return plus(Lanes.load(p).add(Lanes.load(q)), Lanes.load(r), sign).mul(0.5f);
  }

  @Override
  public void filterGradient(long s, int outChannels, int channels, int first, int last, Rows dw) {
    long plane = 4 * WinogradKernels.distance(outChannels, channels);
    long tap = dw.stride();
    for (int o = first; o < last; o++) {
      long from = s + 4L * o * channels;
      for (int i = 0; i < 3; i++) {
        long p = i == 1 ? ZEROS : from + (i == 0 ? 0 : 12) * plane;
        long to = dw.at(9L * o + 3 * i);
        gradientRow(
            p, i == 1 ? 0 : plane, from + 4 * plane, i == 1 ? -1 : 1, plane, to, tap, channels);
      }
    }
  }

  /** h = p + (row 0 + sign * row 1) / 2 from rows of s, and of it h G. */
  private static void gradientRow(
      long p, long planeOfP, long rows, float sign, long plane, long to, long tap, int channels) {
    for (int c = 0; c != channels; c += N) {
      long at = 4L * c;
      FloatVector h0 = placed(p + at, rows + at, plane, sign);
      FloatVector h1 = placed(p + planeOfP + at, rows + plane + at, plane, sign);
      FloatVector h2 = placed(p + 2 * planeOfP + at, rows + 2 * plane + at, plane, sign);
      FloatVector h3 = placed(p + 3 * planeOfP + at, rows + 3 * plane + at, plane, sign);
      FloatVector half = h1.add(h2).mul(0.5f);
      Lanes.store(h0.add(half), to + at);
      Lanes.store(h1.sub(h2).mul(0.5f), to + tap + at);
      Lanes.store(h3.add(half), to + 2 * tap + at);
    }
  }

  private static FloatVector placed(long p, long row, long plane, float sign) {
    FloatVector sum = plus(Lanes.load(row), Lanes.load(row + 4 * plane), sign);
    return sum.mul(0.5f).add(Lanes.load(p));
  }

  private static FloatVector sum(long p, long q, float sign, long offset) {
    return plus(Lanes.load(p + offset), Lanes.load(q + offset), sign);
  }

  private static FloatVector plus(FloatVector a, FloatVector b, float sign) {
    return b.fma(FloatVector.broadcast(F, sign), a); // exact: one rounding, that of the sum
  }

  private static void store4(
      FloatVector a, FloatVector b, FloatVector c, FloatVector d, long to, long plane) {
    Lanes.store(a, to);
    Lanes.store(b, to + plane);
    Lanes.store(c, to + 2 * plane);
    Lanes.store(d, to + 3 * plane);
  }
}
