package dev.gatun.runtime.onednn;

import dev.gatun.runtime.onednn.kernel.PairBlocks;
import dev.gatun.runtime.onednn.kernel.PairKernels;
import dev.gatun.runtime.onednn.kernel.PairLines;
import dev.gatun.runtime.onednn.kernel.PairStrips;
import dev.gatun.runtime.op.ConvolutionGeometry;

/**
 * Where the pairs of some images' lines are: those of x as [blocks, images, lines, phases, pairs,
 * channels of a block, 2], then those of dy.
 *
 * <p>Pixels of x that are multiplied with a pair of dy are {@code stride} apart. Tap v of a line
 * reads the pairs that begin with pixels v, v + 2 stride, ... of the line with its padding: those
 * of phase v mod 2 stride, from pair number v / (2 stride) on. All phases have as many pairs.
 *
 * @param image the first one
 * @param line of dy, the first one in each image
 * @param lines of dy in each image
 */
record PairLayout(ConvolutionGeometry geometry, int image, int images, int line, int lines) {

  /** All of one image. */
  static PairLayout of(ConvolutionGeometry g) {
    return new PairLayout(g, 0, 1, 0, g.outHeight());
  }

  /**
   * As many images, or as many lines of one, as come to about {@code wanted} bytes, where this, one
   * image, comes to {@code bytes}, of {@code batch}.
   */
  PairLayout part(long wanted, long bytes, int batch) {
    if (bytes <= wanted) {
      int some = (int) EvenParts.size(batch, Math.min(batch, wanted / bytes));
      return new PairLayout(geometry, 0, some, 0, lines);
    }
    int some = (int) EvenParts.size(lines, Math.max(1, lines * wanted / bytes));
    return new PairLayout(geometry, 0, 1, 0, some);
  }

  /** The part of this size, where there are as many images and lines, from there on. */
  PairLayout at(int firstImage, int endImage, int firstLine) {
    return new PairLayout(
        geometry,
        firstImage,
        Math.min(images, endImage - firstImage),
        firstLine,
        Math.min(lines, geometry.outHeight() - firstLine));
  }

  /** How x is laid out. */
  PairLines imageLines() {
    ConvolutionGeometry g = geometry;
    return new PairLines(
        g.height(),
        g.width(),
        image,
        line * g.stride() - g.paddingTop(),
        g.paddingLeft(),
        g.stride(),
        (lines - 1) * g.stride() + g.kernelHeight(),
        Math.min(cycle(), g.kernelWidth()),
        gradientPairs() + (g.kernelWidth() - 1) / cycle(),
        g.channels() / PairKernels.BLOCK);
  }

  private int cycle() {
    return 2 * geometry.stride();
  }

  private int gradientPairs() {
    return (geometry.outWidth() + 1) / 2;
  }

  private long lineBytes() {
    PairLines of = imageLines();
    return 4L * of.phases() * of.pairs() * PairKernels.BLOCK;
  }

  /** Bytes of a block of x. */
  long blockBytes() {
    return images * imageLines().lines() * lineBytes();
  }

  private long imageBytes() {
    return imageLines().blocks() * blockBytes();
  }

  /** Bytes of all pairs. */
  long bytes() {
    return imageBytes() + strips(0).bytes();
  }

  /** Those of x, where all begin at {@code address}. */
  PairBlocks blocks(long address) {
    long line = lineBytes();
    return new PairBlocks(
        address, blockBytes(), imageLines().lines() * line, geometry.stride() * line);
  }

  /** Those of dy, where all begin at {@code address}. */
  PairStrips strips(long address) {
    return PairStrips.of(
        address + imageBytes(), images, lines, gradientPairs(), geometry.outChannels());
  }

  /** Where each tap begins in a block, in the order of the weights. */
  int[] taps() {
    int[] taps = new int[geometry.kernelHeight() * geometry.kernelWidth()];
    int pairs = imageLines().pairs();
    long line = lineBytes();
    for (int k = 0; k < taps.length; k++) {
      int u = k / geometry.kernelWidth();
      int v = k % geometry.kernelWidth();
      int pair = v % cycle() * pairs + v / cycle();
      taps[k] = (int) (u * line + 4L * pair * PairKernels.BLOCK);
    }
    return taps;
  }
}
