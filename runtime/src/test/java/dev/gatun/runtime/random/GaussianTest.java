package dev.gatun.runtime.random;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

final class GaussianTest {
  private static final int COUNT = 1 << 20;
  private static final float[] NORMALS = new float[COUNT];

  @BeforeAll
  static void draw() {
    int[] words = new int[4];
    for (int i = 0; i < COUNT; i += 4) {
      Philox.block(2026, i / 4, 1, 2, 3, words, 0);
      Gaussian.block(words, 0, NORMALS, i);
    }
  }

  /** Every angle that a word can give, in steps that reach all quadrants and their seams. */
  @Test
  void sineAndCosine() {
    for (long k = 0; k < 1 << 24; k += k < 70_000 || k > (1 << 24) - 70_000 ? 1 : 61) {
      double angle = 2 * Math.PI * k * 0x1p-24;
      int word = (int) (k << 8);
      assertEquals(
          StrictMath.sin(angle), Gaussian.sine(word), 0x1p-22, () -> "sin of word " + word);
      assertEquals(
          StrictMath.cos(angle), Gaussian.cosine(word), 0x1p-22, () -> "cos of word " + word);
    }
    for (int quarter = 0; quarter < 4; quarter++) {
      for (int near = -3; near <= 3; near++) {
        int k = (quarter << 22) + (1 << 21) + near;
        double angle = 2 * Math.PI * k * 0x1p-24;
        assertEquals(StrictMath.sin(angle), Gaussian.sine(k << 8), 0x1p-22);
        assertEquals(StrictMath.cos(angle), Gaussian.cosine(k << 8), 0x1p-22);
      }
    }
  }

  @Test
  void radius() {
    for (long k = 0; k < 1 << 24; k += k < 70_000 || k > (1 << 24) - 70_000 ? 1 : 61) {
      double expected = Math.sqrt(-2 * StrictMath.log((k + 1) * 0x1p-24));
      int word = (int) (k << 8);
      assertEquals(
          expected,
          Gaussian.radius(word),
          0x1p-21 * Math.max(1, expected),
          () -> "radius of word " + word);
    }
    assertEquals(0, Gaussian.radius(-1), 0, "u = 1");
  }

  /** The lowest eight bits of a word do not count. */
  @Test
  void lowBitsDoNotCount() {
    assertEquals(Gaussian.radius(0x12345600), Gaussian.radius(0x123456FF));
    assertEquals(Gaussian.sine(0x12345600), Gaussian.sine(0x123456FF));
  }

  /** Of a million numbers; the bounds are five deviations of each estimate. */
  @Test
  void moments() {
    double mean = 0;
    for (float x : NORMALS) {
      mean += x / (double) COUNT;
    }
    double[] central = new double[5];
    for (float x : NORMALS) {
      double d = x - mean;
      for (int k = 2; k <= 4; k++) {
        central[k] += Math.pow(d, k) / COUNT;
      }
    }
    double root = Math.sqrt(COUNT);
    assertEquals(0, mean, 5 / root);
    assertEquals(1, central[2], 5 * Math.sqrt(2) / root);
    assertEquals(0, central[3], 5 * Math.sqrt(15) / root);
    assertEquals(3, central[4], 5 * Math.sqrt(96) / root);
  }

  /**
   * The numbers of a pair, and of the two pairs of a block, are independent: their products and
   * squares' too average out.
   */
  @Test
  void independence() {
    for (int lag = 1; lag <= 4; lag++) {
      double product = 0;
      double squares = 0;
      for (int i = 0; i + lag < COUNT; i++) {
        double a = NORMALS[i];
        double b = NORMALS[i + lag];
        product += a * b / COUNT;
        squares += (a * a - 1) * (b * b - 1) / COUNT;
      }
      assertEquals(0, product, 5 / Math.sqrt(COUNT), "correlation at lag " + lag);
      assertEquals(0, squares, 10 / Math.sqrt(COUNT), "correlation of squares at lag " + lag);
    }
  }

  /**
   * Kolmogorov and Smirnov's distance to the normal distribution; 1.95 / sqrt n is passed by 999 of
   * 1000 samples.
   */
  @Test
  void distribution() {
    float[] sorted = NORMALS.clone();
    Arrays.sort(sorted);
    double distance = 0;
    for (int i = 0; i < COUNT; i++) {
      double p = normalDistribution(sorted[i]);
      distance = Math.max(distance, Math.max(p - i / (double) COUNT, (i + 1) / (double) COUNT - p));
    }
    assertTrue(distance < 1.95 / Math.sqrt(COUNT), "distance " + distance);
  }

  /** Beyond four deviations, one of 15,787; none beyond the largest radius, 5.77. */
  @Test
  void tails() {
    int beyond = 0;
    for (float x : NORMALS) {
      beyond += Math.abs(x) > 4 ? 1 : 0;
      assertTrue(Math.abs(x) < 5.78f && !Float.isNaN(x));
    }
    double expected = COUNT / 15_787.0;
    assertEquals(expected, beyond, 5 * Math.sqrt(expected), "numbers beyond four deviations");
    assertEquals(Math.sqrt(48 * Math.log(2)), Gaussian.radius(0), 1e-6, "the largest radius");
  }

  /** By integration of the density with Simpson's rule from 0. */
  private static double normalDistribution(double x) {
    int intervals = 40;
    double h = x / intervals;
    double sum = 1 + density(x);
    for (int i = 1; i < intervals; i++) {
      sum += density(i * h) * (i % 2 == 1 ? 4 : 2);
    }
    return 0.5 + sum * h / 3 / Math.sqrt(2 * Math.PI);
  }

  private static double density(double x) {
    return Math.exp(-x * x / 2);
  }
}
