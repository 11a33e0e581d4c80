package dev.gatun.runtime.onednn.kernel;

import static dev.gatun.runtime.onednn.kernel.Lanes.F;
import static dev.gatun.runtime.onednn.kernel.Lanes.N;

import jdk.incubator.vector.FloatVector;

/**
 * The sums of products of pairs, for the compiler of {@link NativeKernelWriter}, which makes one
 * instruction of {@link Lanes#dot}; as Java they are slower than oneDNN.
 *
 * <p>A sum's vectors stay in registers over all pixels: 6 or 4 channels of dy times 64 of x. 24
 * sums hide what an addition takes, and read a vector or a pair for every 2.4 of them.
 */
final class VectorPairs implements PairKernels {

  private static final long PAIR = 4;
  private static final long VECTOR = 4L * N;
  private static final FloatVector ONES =
      FloatVector.broadcast(F, Float.intBitsToFloat(0x3F803F80)); // a pair of them

  @Override
  public void imageLines(
      Rows x, PairLines lines, long zeros, long address, long distance, int from, int to) {
    long at = address + from * PAIR * lines.phases() * lines.pairs() * BLOCK;
    for (int k = from; k < to; k++) {
      int h = lines.top() + k % lines.lines();
      boolean here = h >= 0 && h < lines.height();
      long image = (long) lines.image() + k / lines.lines();
      long first = (image * lines.height() + h) * lines.width();
      int width = here ? lines.width() : 0;
      for (int phase = 0; phase < lines.phases(); phase++) {
        int pixel = phase - lines.left();
        for (int j = 0; j < lines.pairs(); j++) {
          int second = pixel + lines.stride();
          boolean inside = pixel >= 0 && pixel < width;
          boolean secondInside = second >= 0 && second < width;
          long a = inside ? x.at(first + pixel) : zeros;
          long b = secondInside ? x.at(first + second) : zeros;
          pairBlocks(a, inside ? 2 : 0, b, secondInside ? 2 : 0, at, distance, lines.blocks());
          pixel += 2 * lines.stride();
          at += PAIR * BLOCK;
        }
      }
    }
  }

  /** Pairs of two pixels' numbers, that lie so many bytes apart. */
  private static void pairBlocks(
      long first, int firstSize, long second, int secondSize, long to, long distance, int blocks) {
    long a = first;
    long b = second;
    long at = to;
    for (int k = 0; k < blocks; k++) {
      Lanes.store(Lanes.pairs(a, b), at);
      Lanes.store(Lanes.pairs(a + 2L * N, b + 2L * N), at + VECTOR);
      Lanes.store(Lanes.pairs(a + 4L * N, b + 4L * N), at + 2 * VECTOR);
      Lanes.store(Lanes.pairs(a + 6L * N, b + 6L * N), at + 3 * VECTOR);
      a += firstSize * BLOCK;
      b += secondSize * BLOCK;
      at += distance;
    }
  }

  @Override
  public void gradientLines(
      Rows dy,
      int height,
      int width,
      int image,
      int top,
      long zeros,
      long pairs,
      long sums,
      PairStrips strips,
      int from,
      int to) {
    int channels = strips.channels();
    for (int k = from; k < to; k++) {
      int h = top + k % strips.lines();
      long first = ((long) (image + k / strips.lines()) * height + h) * width;
      for (int c = 0; c < channels; c += N) {
        pairLine(
            dy,
            dy.at(first) + 2L * c,
            width,
            zeros,
            pairs + PAIR * c,
            PAIR * channels,
            sums + 4L * c);
      }
      for (int strip = 0; strip < strips.count(); strip++) {
        int channel = strips.channel(strip);
        int size = strip < strips.wide() ? WIDE_STRIP : NARROW_STRIP;
        long at = strips.address() + PAIR * (channel * strips.length() + k * strips.pairs() * size);
        copy(pairs + PAIR * channel, PAIR * channels, at, size, strips.pairs());
      }
    }
  }

  /** Pairs of a line's pixels, a vector of their channels, and the sum of these. */
  private static void pairLine(
      Rows dy, long line, int width, long zeros, long to, long distance, long sums) {
    FloatVector sum = Lanes.load(sums);
    long a = line;
    long at = to;
    for (int j = 0; j < width; j += 2) {
      long b = j + 1 < width ? a + dy.stride() : zeros;
      FloatVector pair = Lanes.pairs(a, b);
      sum = Lanes.dot(sum, pair, ONES);
      Lanes.store(pair, at);
      a += 2 * dy.stride();
      at += distance;
    }
    Lanes.store(sum, sums);
  }

  private static void copy(long from, long distance, long to, int size, int pairs) {
    long source = from;
    long at = to;
    for (int j = 0; j < pairs; j++) {
      Lanes.store(Lanes.load(source, false, size), at, false, size);
      source += distance;
      at += PAIR * size;
    }
  }

  @Override
  public void sums(
      PairBlocks x,
      int[] taps,
      PairStrips dy,
      long dw,
      long tapBytes,
      boolean add,
      int from,
      int to) {
    int strips = dy.count();
    long row = tapBytes * taps.length;
    for (int task = from; task < to; task++) {
      int tap = task % taps.length;
      int strip = task / taps.length % strips;
      int block = task / taps.length / strips;
      int channel = dy.channel(strip);
      long image = x.address() + block * x.block() + taps[tap];
      long gradient = dy.address() + PAIR * channel * dy.length();
      long at = dw + channel * row + tap * tapBytes + 4L * block * BLOCK;
      if (strip < dy.wide()) {
        strip(x, dy, true, image, gradient, at, row, add);
      } else {
        strip(x, dy, false, image, gradient, at, row, add);
      }
    }
  }

  /**
   * All pixels of a strip. {@code wide} is a constant to the compiler: a narrow one has no e and f.
   */
  private static void strip(
      PairBlocks x,
      PairStrips dy,
      boolean wide,
      long image,
      long gradient,
      long to,
      long row,
      boolean add) {
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
    FloatVector e0 = FloatVector.zero(F);
    FloatVector e1 = FloatVector.zero(F);
    FloatVector e2 = FloatVector.zero(F);
    FloatVector e3 = FloatVector.zero(F);
    FloatVector f0 = FloatVector.zero(F);
    FloatVector f1 = FloatVector.zero(F);
    FloatVector f2 = FloatVector.zero(F);
    FloatVector f3 = FloatVector.zero(F);
    long g = gradient;
    for (int n = 0; n < dy.images(); n++) {
      for (int i = 0; i < dy.lines(); i++) {
        long p = image + n * x.image() + i * x.line();
        for (int j = 0; j < dy.pairs(); j++) {
          FloatVector v0 = Lanes.load(p);
          FloatVector v1 = Lanes.load(p + VECTOR);
          FloatVector v2 = Lanes.load(p + 2L * VECTOR);
          FloatVector v3 = Lanes.load(p + 3L * VECTOR);
          FloatVector a = Lanes.broadcast(g);
          a0 = Lanes.dot(a0, v0, a);
          a1 = Lanes.dot(a1, v1, a);
          a2 = Lanes.dot(a2, v2, a);
          a3 = Lanes.dot(a3, v3, a);
          FloatVector b = Lanes.broadcast(g + PAIR);
          b0 = Lanes.dot(b0, v0, b);
          b1 = Lanes.dot(b1, v1, b);
          b2 = Lanes.dot(b2, v2, b);
          b3 = Lanes.dot(b3, v3, b);
          FloatVector c = Lanes.broadcast(g + 2L * PAIR);
          c0 = Lanes.dot(c0, v0, c);
          c1 = Lanes.dot(c1, v1, c);
          c2 = Lanes.dot(c2, v2, c);
          c3 = Lanes.dot(c3, v3, c);
          FloatVector d = Lanes.broadcast(g + 3L * PAIR);
          d0 = Lanes.dot(d0, v0, d);
          d1 = Lanes.dot(d1, v1, d);
          d2 = Lanes.dot(d2, v2, d);
          d3 = Lanes.dot(d3, v3, d);
          if (wide) {
            FloatVector e = Lanes.broadcast(g + 4L * PAIR);
            e0 = Lanes.dot(e0, v0, e);
            e1 = Lanes.dot(e1, v1, e);
            e2 = Lanes.dot(e2, v2, e);
            e3 = Lanes.dot(e3, v3, e);
            FloatVector f = Lanes.broadcast(g + 5L * PAIR);
            f0 = Lanes.dot(f0, v0, f);
            f1 = Lanes.dot(f1, v1, f);
            f2 = Lanes.dot(f2, v2, f);
            f3 = Lanes.dot(f3, v3, f);
          }
          p += 4L * VECTOR;
          g += (wide ? WIDE_STRIP : NARROW_STRIP) * PAIR;
        }
      }
    }
    put(a0, to, add);
    put(a1, to + VECTOR, add);
    put(a2, to + 2L * VECTOR, add);
    put(a3, to + 3L * VECTOR, add);
    put(b0, to + row, add);
    put(b1, to + row + VECTOR, add);
    put(b2, to + row + 2L * VECTOR, add);
    put(b3, to + row + 3L * VECTOR, add);
    put(c0, to + 2 * row, add);
    put(c1, to + 2 * row + VECTOR, add);
    put(c2, to + 2 * row + 2L * VECTOR, add);
    put(c3, to + 2 * row + 3L * VECTOR, add);
    put(d0, to + 3 * row, add);
    put(d1, to + 3 * row + VECTOR, add);
    put(d2, to + 3 * row + 2L * VECTOR, add);
    put(d3, to + 3 * row + 3L * VECTOR, add);
    if (wide) {
      put(e0, to + 4 * row, add);
      put(e1, to + 4 * row + VECTOR, add);
      put(e2, to + 4 * row + 2L * VECTOR, add);
      put(e3, to + 4 * row + 3L * VECTOR, add);
      put(f0, to + 5 * row, add);
      put(f1, to + 5 * row + VECTOR, add);
      put(f2, to + 5 * row + 2L * VECTOR, add);
      put(f3, to + 5 * row + 3L * VECTOR, add);
    }
  }

  private static void put(FloatVector sum, long to, boolean add) {
    Lanes.store(add ? Lanes.load(to).add(sum) : sum, to);
  }
}
