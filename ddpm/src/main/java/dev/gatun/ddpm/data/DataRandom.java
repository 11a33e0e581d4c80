package dev.gatun.ddpm.data;

import dev.gatun.runtime.random.Philox;

/**
 * The random numbers of the data: words 0 and 1 of the Philox block with the key {@code seed} and
 * the counter (element, high word of the epoch, low word of the epoch, purpose). Not safe for
 * several threads at once.
 */
final class DataRandom {
  /** Purposes, apart from the small numbers that the training's other streams count up. */
  static final int ORDER = 0x4f524452; // "ORDR"

  static final int FLIP = 0x464c4950; // "FLIP"

  private final long seed;
  private final int purpose;
  private final int[] words = new int[4];

  DataRandom(long seed, int purpose) {
    this.seed = seed;
    this.purpose = purpose;
  }

  /** 64 random bits, a function of (seed, purpose, epoch, element). */
  long bits(long epoch, int element) {
    Philox.block(seed, element, (int) (epoch >>> 32), (int) epoch, purpose, words, 0);
    return (long) words[1] << 32 | (words[0] & 0xffffffffL);
  }
}
