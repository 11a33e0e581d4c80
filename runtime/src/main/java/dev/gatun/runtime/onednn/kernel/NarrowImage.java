package dev.gatun.runtime.onednn.kernel;

/**
 * A FLOAT32 image of few channels within a frame of zeros, so that no pixel's window is cut off.
 *
 * @param address of the first window
 * @param line bytes from one line of windows to the next
 * @param pixel bytes from one window to the next
 */
public record NarrowImage(long address, long line, long pixel) {}
