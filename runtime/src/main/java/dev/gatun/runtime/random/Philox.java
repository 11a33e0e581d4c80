package dev.gatun.runtime.random;

/**
 * Philox4x32-10: a block of four random words as a function of a 64-bit key and a 128-bit counter.
 * Salmon et al. 2011, section 4; Random123's {@code philox4x32}.
 */
public final class Philox {

  /** Multipliers and key increments of the four-word generator. */
  public static final int MULTIPLIER_0 = 0xD2511F53;

  public static final int MULTIPLIER_1 = 0xCD9E8D57;
  public static final int WEYL_0 = 0x9E3779B9;
  public static final int WEYL_1 = 0xBB67AE85;
  public static final int ROUNDS = 10;

  private Philox() {}

  /**
   * Writes the four words of counter (c0, c1, c2, c3) under {@code key} to {@code out[offset ..
   * offset + 4)}.
   */
  public static void block(long key, int c0, int c1, int c2, int c3, int[] out, int offset) {
    int k0 = (int) key;
    int k1 = (int) (key >>> 32);
    for (int round = 0; round < ROUNDS; round++) {
      long product0 = (MULTIPLIER_0 & 0xFFFFFFFFL) * (c0 & 0xFFFFFFFFL);
      long product1 = (MULTIPLIER_1 & 0xFFFFFFFFL) * (c2 & 0xFFFFFFFFL);
      c0 = (int) (product1 >>> 32) ^ c1 ^ k0;
      c1 = (int) product1;
      c2 = (int) (product0 >>> 32) ^ c3 ^ k1;
      c3 = (int) product0;
      k0 += WEYL_0;
      k1 += WEYL_1;
    }
    out[offset] = c0;
    out[offset + 1] = c1;
    out[offset + 2] = c2;
    out[offset + 3] = c3;
  }

  /** floor(word * count / 2^32): a number of {0, ..., count - 1} from one word. */
  public static int bounded(int word, int count) {
    return (int) (((word & 0xFFFFFFFFL) * count) >>> 32);
  }

  /** The word's upper 24 bits times 2^-24: a float in [0, 1). */
  public static float uniform(int word) {
    return (word >>> 8) * 0x1p-24f;
  }
}
