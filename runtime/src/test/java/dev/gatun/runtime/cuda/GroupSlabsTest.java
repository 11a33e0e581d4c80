package dev.gatun.runtime.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

/** Layouts for the shapes of networks on an H100: 132 multiprocessors, 227 KiB for a block. */
final class GroupSlabsTest {
  private static final int MOST_BYTES = 227 << 10;
  private static final int OF_MULTIPROCESSOR = 228 << 10;
  private static final int BFLOAT16 = 2;
  private static final int FLOAT32 = 4;

  private final GroupSlabs slabs = new GroupSlabs(132, MOST_BYTES);

  /** 32x32 pixels of 128 channels in 32 groups: rows of 64 bytes, three blocks at a time. */
  @Test
  void cifarForward() {
    assertTrue(slabs.fit(128, 1024, 32, 4, 8, BFLOAT16, 0, 3));
    assertEquals(8, slabs.groups());
    assertEquals(2, slabs.laneBits(), "32 channels, 8 for a thread");
    assertEquals(128 * 4, slabs.blocks());
    assertTrue(3 * (slabs.sharedBytes() + 1024) <= OF_MULTIPROCESSOR);
  }

  /** x and dy of as many pixels: rows of 32 bytes each, two blocks at a time. */
  @Test
  void cifarGradient() {
    assertTrue(slabs.fit(128, 1024, 32, 4, 8, BFLOAT16, BFLOAT16, 2));
    assertEquals(4, slabs.groups());
    assertEquals(128 * 8, slabs.blocks());
    assertTrue(2 * (slabs.sharedBytes() + 1024) <= OF_MULTIPROCESSOR);
  }

  /** One image: rows of 64 bytes all the same, and no more for a block. */
  @Test
  void oneImage() {
    assertTrue(slabs.fit(1, 1024, 32, 4, 8, BFLOAT16, 0, 3));
    assertEquals(8, slabs.groups());
    assertEquals(4, slabs.blocks());
  }

  /** Groups of 12 channels: slabs begin at whole vectors of 8, with an even number of groups. */
  @Test
  void slabsBeginAtVectors() {
    assertTrue(slabs.fit(128, 64, 32, 12, 8, BFLOAT16, 0, 3));
    assertEquals(0, slabs.groups() * 12 % 8);
    assertEquals(128 * Math.ceilDiv(32, slabs.groups()), slabs.blocks());
  }

  /** One group of all channels: a block keeps the sample, or nothing does. */
  @Test
  void oneGroup() {
    assertTrue(slabs.fit(128, 784, 1, 64, 8, BFLOAT16, 0, 3));
    assertEquals(1, slabs.groups());
    assertEquals(128, slabs.blocks());
    assertTrue(slabs.sharedBytes() <= MOST_BYTES);
    assertFalse(slabs.fit(128, 64 * 64, 1, 64, 4, FLOAT32, 0, 3));
  }

  /** More channels of one group than a block's threads can take side by side. */
  @Test
  void wideGroup() {
    assertTrue(slabs.fit(2, 1, 1, 1024, 4, FLOAT32, 0, 3));
    assertFalse(slabs.fit(2, 1, 1, 2048, 4, FLOAT32, 0, 3));
  }
}
