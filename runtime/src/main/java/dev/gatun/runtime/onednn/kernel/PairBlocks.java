package dev.gatun.runtime.onednn.kernel;

/**
 * Images as pairs of pixels, some channels after the other: [blocks, images, lines, pairs, channels
 * of a block, 2].
 *
 * @param address of the first block
 * @param block bytes from one block to the next
 * @param image bytes from one image to the next
 * @param line bytes from what a line of dy is multiplied with to what the next one is
 */
public record PairBlocks(long address, long block, long image, long line) {}
