package dev.gatun.runtime.onednn.kernel;

/**
 * Gradients of images as pairs of pixels, a few channels after the other: [strips, images, lines,
 * pairs, channels of a strip, 2].
 *
 * @param wide strips of {@link PairKernels#WIDE_STRIP} channels
 * @param narrow strips of {@link PairKernels#NARROW_STRIP} channels behind them
 */
public record PairStrips(long address, int images, int lines, int pairs, int wide, int narrow) {

  /** The strips of {@code channels}, an even number from 4 on. */
  public static PairStrips of(long address, int images, int lines, int pairs, int channels) {
    int wide = channels / PairKernels.WIDE_STRIP;
    while ((channels - wide * PairKernels.WIDE_STRIP) % PairKernels.NARROW_STRIP != 0) {
      wide--;
    }
    int narrow = (channels - wide * PairKernels.WIDE_STRIP) / PairKernels.NARROW_STRIP;
    return new PairStrips(address, images, lines, pairs, wide, narrow);
  }

  public int count() {
    return wide + narrow;
  }

  public int channels() {
    return channel(count());
  }

  /** Bytes of all strips. */
  public long bytes() {
    return 4 * channels() * length();
  }

  /** Pairs of a channel. */
  long length() {
    return (long) images * lines * pairs;
  }

  /** The first channel of strip {@code strip}. */
  int channel(int strip) {
    return PairKernels.WIDE_STRIP * Math.min(strip, wide)
        + PairKernels.NARROW_STRIP * Math.max(0, strip - wide);
  }
}
