package dev.gatun.runtime.onednn.kernel;

/**
 * Lines of some images and how their pixels are paired. Line k is line {@code top + k mod lines} of
 * image {@code image + k / lines}; what lies outside of the image is zero. Pair j of phase p is
 * pixel {@code p - left + 2 stride j} and the one {@code stride} behind it.
 *
 * @param height lines of an image
 * @param width pixels of a line
 * @param lines in each image
 * @param pairs in each phase
 * @param blocks of {@link PairKernels#BLOCK} channels
 */
public record PairLines(
    int height,
    int width,
    int image,
    int top,
    int left,
    int stride,
    int lines,
    int phases,
    int pairs,
    int blocks) {}
