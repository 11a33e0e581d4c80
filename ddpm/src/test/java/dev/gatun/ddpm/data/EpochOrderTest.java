package dev.gatun.ddpm.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class EpochOrderTest {
  @Test
  void eachEpochIsAPermutation() {
    for (int size : new int[] {1, 2, 3, 100, 1000}) {
      var order = new EpochOrder(size, 42);
      for (long epoch : new long[] {0, 1, 5_000_000_000L}) {
        int[] sorted = epoch(order, size, epoch);
        Arrays.sort(sorted);
        assertArrayEquals(IntStream.range(0, size).toArray(), sorted);
      }
    }
  }

  @Test
  void isAFunctionOfSeedAndEpochAlone() {
    int[] second = epoch(new EpochOrder(50, 7), 50, 1);
    var order = new EpochOrder(50, 7);
    epoch(order, 50, 0);
    epoch(order, 50, 9);
    assertArrayEquals(second, epoch(order, 50, 1));
    assertFalse(Arrays.equals(second, epoch(order, 50, 0)));
    assertFalse(Arrays.equals(second, epoch(order, 50, 1L + (1L << 32))));
    assertFalse(Arrays.equals(second, epoch(new EpochOrder(50, 8), 50, 1)));
    assertFalse(Arrays.equals(second, epoch(new EpochOrder(50, 7L + (1L << 32)), 50, 1)));
  }

  @Test
  void staysTheSameOverReleases() {
    assertArrayEquals(
        PINNED, epoch(new EpochOrder(10, 42), 10, 3), "the order of data has changed");
  }

  /** Worked out apart from this code. A run resumed by a later release must see the same data. */
  private static final int[] PINNED = {3, 2, 0, 4, 5, 6, 8, 7, 1, 9};

  @Test
  void allPermutationsOfFourAreAboutAsFrequent() {
    int[] counts = new int[256];
    var order = new EpochOrder(4, 1);
    for (int epoch = 0; epoch < 24_000; epoch++) {
      int[] p = epoch(order, 4, epoch);
      counts[p[0] << 6 | p[1] << 4 | p[2] << 2 | p[3]]++;
    }
    double chiSquare = 0;
    int seen = 0;
    for (int count : counts) {
      if (count > 0) {
        seen++;
        chiSquare += (count - 1000.0) * (count - 1000.0) / 1000;
      }
    }
    assertEquals(24, seen);
    // 23 degrees of freedom: 49.7 is passed once in 1,000 seeds, and this seed is fixed
    assertEquals(23, chiSquare, 26.7);
  }

  @Test
  void refusesNonsense() {
    assertThrows(IllegalArgumentException.class, () -> new EpochOrder(0, 1));
    var order = new EpochOrder(3, 1);
    assertThrows(IllegalArgumentException.class, () -> order.index(-1, 0));
    assertThrows(IndexOutOfBoundsException.class, () -> order.index(0, 3));
  }

  private static int[] epoch(EpochOrder order, int size, long epoch) {
    return IntStream.range(0, size).map(i -> order.index(epoch, i)).toArray();
  }
}
