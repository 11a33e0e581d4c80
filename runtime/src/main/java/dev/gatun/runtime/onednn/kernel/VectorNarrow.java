package dev.gatun.runtime.onednn.kernel;

import static dev.gatun.runtime.onednn.kernel.Lanes.F;
import static dev.gatun.runtime.onednn.kernel.Lanes.N;

import java.lang.invoke.MethodHandles;
import jdk.incubator.vector.FloatVector;

/**
 * Convolutions of few channels, two vectors of the many channels at a time, then what is left of
 * them a vector at a time under a mask. Run as copies for the dtype of the image of many channels:
 * see {@link Specialization}.
 */
final class VectorNarrow implements NarrowKernels {

  private static final boolean LOW = Specialization.of(MethodHandles.lookup()).low0();
  private static final int SIZE = LOW ? 2 : 4;
  private static final int PANEL = 2 * N;
  private static final int PIXELS = 4;

  @Override
  public void forward(
      NarrowImage x, int[] taps, long w, long bias, int lines, int columns, int width, long y) {
    int whole = width - width % PANEL;
    for (int c = 0; c < whole; c += PANEL) {
      for (int i = 0; i < lines; i++) {
        long window = x.address() + i * x.line();
        long to = y + 4L * ((long) i * columns * width + c);
        line(window, x.pixel(), taps, w + 4L * c, 4L * width, bias + 4L * c, columns, to);
      }
    }
    for (int c = whole; c < width; c += N) {
      int count = Math.min(N, width - c);
      for (int i = 0; i < lines; i++) {
        long window = x.address() + i * x.line();
        long to = y + 4L * ((long) i * columns * width + c);
        part(window, x.pixel(), taps, w + 4L * c, 4L * width, bias + 4L * c, columns, to, count);
      }
    }
  }

  /** Two vectors of each pixel of a line, four pixels at a time and then one. */
  private static void line(
      long x, long pixel, int[] taps, long w, long row, long bias, int columns, long y) {
    int whole = columns - columns % PIXELS;
    for (int j = 0; j < whole; j += PIXELS) {
      four(x + j * pixel, pixel, taps, w, row, bias, y + j * row);
    }
    for (int j = whole; j < columns; j++) {
      one(x + j * pixel, taps, w, row, bias, y + j * row);
    }
  }

  private static void four(long x, long pixel, int[] taps, long w, long row, long bias, long y) {
    FloatVector a0 = Lanes.load(bias);
    FloatVector a1 = Lanes.load(bias + 4L * N);
    FloatVector b0 = a0;
    FloatVector b1 = a1;
    FloatVector c0 = a0;
    FloatVector c1 = a1;
    FloatVector d0 = a0;
    FloatVector d1 = a1;
    long weights = w;
    for (int k = 0; k < taps.length; k++) {
      FloatVector w0 = Lanes.load(weights);
      FloatVector w1 = Lanes.load(weights + 4L * N);
      weights += row;
      long at = x + taps[k];
      FloatVector a = Lanes.broadcast(at);
      a0 = a.fma(w0, a0);
      a1 = a.fma(w1, a1);
      FloatVector b = Lanes.broadcast(at + pixel);
      b0 = b.fma(w0, b0);
      b1 = b.fma(w1, b1);
      FloatVector c = Lanes.broadcast(at + 2 * pixel);
      c0 = c.fma(w0, c0);
      c1 = c.fma(w1, c1);
      FloatVector d = Lanes.broadcast(at + 3 * pixel);
      d0 = d.fma(w0, d0);
      d1 = d.fma(w1, d1);
    }
    Lanes.store(a0, y);
    Lanes.store(a1, y + 4L * N);
    Lanes.store(b0, y + row);
    Lanes.store(b1, y + row + 4L * N);
    Lanes.store(c0, y + 2 * row);
    Lanes.store(c1, y + 2 * row + 4L * N);
    Lanes.store(d0, y + 3 * row);
    Lanes.store(d1, y + 3 * row + 4L * N);
  }

  private static void one(long x, int[] taps, long w, long row, long bias, long y) {
    FloatVector sum0 = Lanes.load(bias);
    FloatVector sum1 = Lanes.load(bias + 4L * N);
    long weights = w;
    for (int k = 0; k < taps.length; k++) {
      FloatVector value = Lanes.broadcast(x + taps[k]);
      sum0 = value.fma(Lanes.load(weights), sum0);
      sum1 = value.fma(Lanes.load(weights + 4L * N), sum1);
      weights += row;
    }
    Lanes.store(sum0, y);
    Lanes.store(sum1, y + 4L * N);
  }

  /** {@code count} lanes of each pixel of a line. */
  private static void part(
      long x, long pixel, int[] taps, long w, long row, long bias, int columns, long y, int count) {
    for (int j = 0; j < columns; j++) {
      long window = x + j * pixel;
      long weights = w;
      FloatVector sum = Lanes.load(bias, false, count);
      for (int k = 0; k < taps.length; k++) {
        FloatVector value = Lanes.broadcast(window + taps[k]);
        sum = value.fma(Lanes.load(weights, false, count), sum);
        weights += row;
      }
      Lanes.store(sum, y + j * row, false, count);
    }
  }

  @Override
  public void weightGradient(
      NarrowImage x, int[] taps, Rows dy, long first, int lines, int columns, int width, long dw) {
    int whole = width - width % PANEL;
    int last = taps.length - 1;
    for (int c = 0; c < whole; c += PANEL) {
      for (int k = 0; k <= last; k += 3) {
        long at = dw + 4L * (k * (long) width + c);
        gradient(
            x,
            taps[k],
            taps[Math.min(k + 1, last)],
            taps[Math.min(k + 2, last)],
            dy,
            dy.at(first) + (long) c * SIZE,
            lines,
            columns,
            at,
            k + 1 <= last ? at + 4L * width : 0,
            k + 2 <= last ? at + 8L * width : 0);
      }
    }
    for (int c = whole; c < width; c += N) {
      int count = Math.min(N, width - c);
      for (int k = 0; k <= last; k++) {
        long from = dy.at(first) + (long) c * SIZE;
        long at = dw + 4L * (k * (long) width + c);
        gradientPart(x, taps[k], dy, from, lines, columns, at, count);
      }
    }
  }

  /** Three rows of two vectors; a row at 0 is not wanted. */
  private static void gradient(
      NarrowImage x,
      int tap0,
      int tap1,
      int tap2,
      Rows rows,
      long dy,
      int lines,
      int columns,
      long row0,
      long row1,
      long row2) {
    FloatVector a0 = FloatVector.zero(F);
    FloatVector a1 = FloatVector.zero(F);
    FloatVector b0 = FloatVector.zero(F);
    FloatVector b1 = FloatVector.zero(F);
    FloatVector c0 = FloatVector.zero(F);
    FloatVector c1 = FloatVector.zero(F);
    for (int i = 0; i < lines; i++) {
      long line = x.address() + i * x.line();
      long from = dy + (long) i * columns * rows.stride();
      for (int j = 0; j < columns; j++) {
        long window = line + j * x.pixel();
        long at = from + j * rows.stride();
        FloatVector d0 = get(at);
        FloatVector d1 = get(at + (long) N * SIZE);
        FloatVector a = Lanes.broadcast(window + tap0);
        a0 = a.fma(d0, a0);
        a1 = a.fma(d1, a1);
        FloatVector b = Lanes.broadcast(window + tap1);
        b0 = b.fma(d0, b0);
        b1 = b.fma(d1, b1);
        FloatVector c = Lanes.broadcast(window + tap2);
        c0 = c.fma(d0, c0);
        c1 = c.fma(d1, c1);
      }
    }
    add(a0, row0);
    add(a1, row0 + 4L * N);
    if (row1 != 0) {
      add(b0, row1);
      add(b1, row1 + 4L * N);
    }
    if (row2 != 0) {
      add(c0, row2);
      add(c1, row2 + 4L * N);
    }
  }

  private static void gradientPart(
      NarrowImage x, int tap, Rows rows, long dy, int lines, int columns, long row, int count) {
    FloatVector sum = FloatVector.zero(F);
    for (int i = 0; i < lines; i++) {
      long window = x.address() + i * x.line() + tap;
      long from = dy + (long) i * columns * rows.stride();
      for (int j = 0; j < columns; j++) {
        FloatVector d = Lanes.load(from + j * rows.stride(), LOW, count);
        sum = Lanes.broadcast(window + j * x.pixel()).fma(d, sum);
      }
    }
    Lanes.store(Lanes.load(row, false, count).add(sum), row, false, count);
  }

  private static void add(FloatVector sum, long to) {
    Lanes.store(Lanes.load(to).add(sum), to);
  }

  private static FloatVector get(long address) {
    return LOW ? Lanes.loadLow(address) : Lanes.load(address);
  }
}
