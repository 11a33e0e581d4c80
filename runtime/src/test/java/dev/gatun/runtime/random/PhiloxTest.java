package dev.gatun.runtime.random;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.BitSet;
import org.junit.jupiter.api.Test;

final class PhiloxTest {

  /** Random123's {@code kat_vectors}, philox4x32 with 10 rounds. */
  @Test
  void knownAnswers() {
    assertBlock(0, 0, 0, 0, 0, 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8);
    assertBlock(-1, -1, -1, -1, -1, 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd);
    assertBlock(
        0x299f31d0_a4093822L,
        0x243f6a88,
        0x85a308d3,
        0x13198a2e,
        0x03707344,
        0xd16cfe09,
        0x94fdcceb,
        0x5001e420,
        0x24126ea1);
  }

  private static void assertBlock(long key, int c0, int c1, int c2, int c3, int... expected) {
    int[] words = new int[6];
    Philox.block(key, c0, c1, c2, c3, words, 1);
    assertArrayEquals(new int[] {0, expected[0], expected[1], expected[2], expected[3], 0}, words);
  }

  @Test
  void boundedCoversItsRangeEvenly() {
    assertEquals(0, Philox.bounded(0, 1000));
    assertEquals(999, Philox.bounded(-1, 1000));
    assertEquals(500, Philox.bounded(0x80000000, 1000));
    assertEquals(Integer.MAX_VALUE - 1, Philox.bounded(-1, Integer.MAX_VALUE));
    int[] words = new int[4];
    int[] counts = new int[7];
    for (int i = 0; i < 70_000; i += 4) {
      Philox.block(5, i, 0, 0, 0, words, 0);
      for (int word : words) {
        counts[Philox.bounded(word, 7)]++;
      }
    }
    for (int count : counts) {
      assertEquals(10_000, count, 500, "draws of one of seven numbers"); // 5 deviations
    }
  }

  @Test
  void uniformIsBelowOne() {
    assertEquals(0f, Philox.uniform(0));
    assertEquals(0f, Philox.uniform(0xFF));
    assertEquals(0x1p-24f, Philox.uniform(0x100));
    assertEquals(1 - 0x1p-24f, Philox.uniform(-1));
    assertEquals(0.5f, Philox.uniform(0x80000000));
  }

  /** Neighbouring counters, keys and purposes share no block. */
  @Test
  void neighboursDiffer() {
    BitSet seen = new BitSet();
    int[] words = new int[4];
    int blocks = 0;
    for (int axis = 0; axis < 5; axis++) {
      for (int i = 1; i <= 200; i++) {
        Philox.block(
            axis == 4 ? i : 0,
            axis == 0 ? i : 0,
            axis == 1 ? i : 0,
            axis == 2 ? i : 0,
            axis == 3 ? i : 0,
            words,
            0);
        seen.set(words[0] >>> 1);
        blocks++;
      }
    }
    assertTrue(seen.cardinality() >= blocks - 1, "first words that repeat");
  }
}
