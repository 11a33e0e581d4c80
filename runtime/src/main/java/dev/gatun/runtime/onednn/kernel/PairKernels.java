package dev.gatun.runtime.onednn.kernel;

/**
 * The weight gradient of a convolution of BFLOAT16 images, dw[o, tap, c] = sum over pixels p of
 * dy[p, o] x[p at tap, c], two pixels of a line at a time: the processor multiplies pairs of
 * BFLOAT16 and adds both products to one FLOAT32.
 *
 * <p>What is multiplied is laid out in pairs first, so that the sums read nothing but what they
 * need, one behind the other. A pair is four bytes, the number of the pixel that comes first in the
 * lower half.
 */
public interface PairKernels {

  /** Channels of x in a block. */
  int BLOCK = 64;

  /** Channels of dy in a strip of the first kind. */
  int WIDE_STRIP = 6;

  /** Channels of dy in a strip of the second kind, which follow those of the first. */
  int NARROW_STRIP = 4;

  /**
   * Lays out lines {@code from} to {@code to} of {@code lines}, of x.
   *
   * @param zeros the address of {@link #BLOCK} BFLOAT16 zeros
   * @param address of the first block's first line
   * @param distance bytes from one block to the next
   */
  void imageLines(
      Rows x, PairLines lines, long zeros, long address, long distance, int from, int to);

  /**
   * Lays out lines {@code from} to {@code to} of {@code strips}, of dy, whose last pixel is paired
   * with zero where a line has an odd number of them, and adds their pixels to {@code sums}.
   *
   * @param height lines of an image of dy, and so on
   * @param image of dy that is the first of {@code strips}
   * @param top line of an image that is the first of {@code strips}
   * @param zeros the address of {@link #BLOCK} BFLOAT16 zeros
   * @param pairs the address of room for the pairs of a line
   * @param sums the address of FLOAT32 [channels]
   */
  void gradientLines(
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
      int to);

  /**
   * dw[o, tap, c] = or += the sums over all pixels of {@code dy}, for tasks {@code from} to {@code
   * to} of a grid [blocks of x, strips of dy, taps].
   *
   * @param taps for each tap the bytes from a block's beginning to what it multiplies with the
   *     first pair of dy
   * @param dw the address of FLOAT32 dw[0, 0, 0]
   * @param tapBytes from one tap of dw to the next
   * @param add whether to add
   */
  void sums(
      PairBlocks x,
      int[] taps,
      PairStrips dy,
      long dw,
      long tapBytes,
      boolean add,
      int from,
      int to);
}
