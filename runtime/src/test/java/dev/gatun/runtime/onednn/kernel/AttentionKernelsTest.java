package dev.gatun.runtime.onednn.kernel;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The kernels between attention's matrix products. */
@Tag("scalar")
final class AttentionKernelsTest {
  private static final int ROWS = 3;
  private static final int WIDTH = 53;
  private static final float SCALE = 0.3f;
  private static final int UNTIL_COMPILED = 20_000;

  private final AttentionKernels kernels = Kernels.best().attention();

  /** A run that is resumed starts with interpreted loops where the other has compiled ones. */
  @Test
  void compiledLoopsGiveTheBitsOfInterpretedOnes() {
    try (Arena arena = Arena.ofConfined()) {
      float[] first = results(arena);
      MemorySegment room = arena.allocate(4L * ROWS * (WIDTH + 3), 64);
      for (int i = 0; i < UNTIL_COMPILED; i++) {
        compute(room);
      }
      compute(room);
      assertArrayEquals(first, room.toArray(ValueLayout.JAVA_FLOAT));
    }
  }

  private float[] results(Arena arena) {
    MemorySegment room = arena.allocate(4L * ROWS * (WIDTH + 3), 64);
    compute(room);
    return room.toArray(ValueLayout.JAVA_FLOAT);
  }

  /** Scores, then their denominators, logarithms and the rows' dot products. */
  private void compute(MemorySegment room) {
    RandomGenerator random = new SplittableRandom(1);
    for (int i = 0; i < ROWS * WIDTH; i++) {
      room.setAtIndex(ValueLayout.JAVA_FLOAT, i, 20 * random.nextFloat() - 10);
    }
    long scores = room.address();
    long sums = scores + 4L * ROWS * WIDTH;
    kernels.softmax(scores, ROWS, WIDTH, SCALE, sums, sums + 4L * ROWS);
    Rows rows = new Rows(scores, 4L * WIDTH, false);
    kernels.dots(rows, rows, ROWS, WIDTH, sums + 8L * ROWS);
  }

  /** e^x over all magnitudes that a softmax meets, against the library's in double precision. */
  @Test
  void exponentialsAreExactToRounding() {
    int count = 1 << 16;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment scores = arena.allocate(4L * count, 64);
      MemorySegment statistics = arena.allocate(8, 64);
      float lowest = -80;
      for (int i = 0; i < count; i++) {
        scores.setAtIndex(ValueLayout.JAVA_FLOAT, i, lowest * i / count);
      }
      kernels.softmax(
          scores.address(), 1, count, 1, statistics.address(), statistics.address() + 4);
      for (int i = 0; i < count; i++) {
        float x = lowest * i / count;
        double expected = Math.exp(x);
        // the power itself, and half a unit in the last place of x times log2 e
        double tolerance = expected * (0x1p-22 + 2 * Math.ulp(-x));
        float got = scores.getAtIndex(ValueLayout.JAVA_FLOAT, i);
        assertTrue(Math.abs(got - expected) <= tolerance, "e^" + x + ": " + got);
      }
    }
  }

  /** Products with numbers close to the smallest would be subnormal, a hundred times as slow. */
  @Test
  void probabilitiesThatDoNotCountAreZero() {
    int width = 21;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment scores = arena.allocate(8L * width + 8, 64);
      long statistics = scores.address() + 8L * width;
      for (int i = 0; i < width; i++) {
        scores.setAtIndex(ValueLayout.JAVA_FLOAT, i, -10 * i);
      }
      kernels.softmax(scores.address(), 1, width, 1, statistics, statistics + 4);
      assertZeroBeyond80(scores, width);
      MemorySegment zeros = arena.allocate(4L * width, 64);
      for (int i = 0; i < width; i++) {
        scores.setAtIndex(ValueLayout.JAVA_FLOAT, i, -10 * i);
        scores.setAtIndex(ValueLayout.JAVA_FLOAT, width + i, 1);
      }
      long none = zeros.address();
      kernels.gradient(scores.address(), scores.address() + 4L * width, 1, 1, width, 1, none, none);
      assertZeroBeyond80(scores, width);
      assertZeroBeyond80(scores.asSlice(4L * width), width);
    }
  }

  private static void assertZeroBeyond80(MemorySegment powers, int count) {
    for (int i = 0; i < count; i++) {
      float power = powers.getAtIndex(ValueLayout.JAVA_FLOAT, i);
      assertEquals(i <= 8 ? Math.exp(-10 * i) : 0, power, 1e-4 * power, "e^" + -10 * i);
    }
  }
}
