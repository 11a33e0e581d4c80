package dev.gatun.ddpm.metric;

import dev.gatun.ddpm.data.ImageDataset;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;

/**
 * How far samples are from the data, pixel by pixel: d(x) = min over images y of sqrt(mean((x -
 * y)^2)), values in [-1, 1].
 *
 * <p>The yardstick is the same distance of real images to the other ones. Samples that are much
 * farther away are not images of that kind; samples that are much nearer are copies: the network
 * has memorised. In between the number says little, and nothing of diversity: it is a check, not a
 * score like FID.
 */
public final class NearestNeighbours {
  private final byte[][] images;
  private final int values;

  /** Reads the whole of {@code data}. */
  public NearestNeighbours(ImageDataset data) {
    values = data.shape().values();
    images = new byte[data.size()][values];
    for (int i = 0; i < images.length; i++) {
      data.read(i, images[i], 0);
    }
  }

  /**
   * The mean of d over {@code count} samples, [count, H, W, C] in row-major order; values outside
   * [-1, 1] are cut off.
   */
  public double ofSamples(float[] samples, int count) {
    if (count < 1 || samples.length < (long) count * values) {
      throw new IllegalArgumentException(
          "nearest neighbours: expected 1 or more samples of "
              + values
              + " values, got "
              + count
              + " in "
              + samples.length);
    }
    return mean(count, i -> nearest(bytes(samples, i * values), -1));
  }

  /** The mean of d over the first {@code count} images of the data, each against all others. */
  public double ofData(int count) {
    if (count < 1 || count > images.length || images.length < 2) {
      throw new IllegalArgumentException(
          "nearest neighbours: expected 1 to "
              + images.length
              + " of 2 or more images, got "
              + count);
    }
    return mean(count, i -> nearest(images[i], i));
  }

  private static double mean(int count, IntToDoubleFunction distance) {
    double[] distances = IntStream.range(0, count).parallel().mapToDouble(distance).toArray();
    double sum = 0; // in order, so that the result does not depend on the threads
    for (double d : distances) {
      sum += d;
    }
    return sum / count;
  }

  private double nearest(byte[] image, int except) {
    long least = Long.MAX_VALUE;
    for (int i = 0; i < images.length; i++) {
      if (i != except) {
        long sum = 0;
        byte[] other = images[i];
        for (int p = 0; p < values; p++) {
          int difference = (image[p] & 255) - (other[p] & 255);
          sum += difference * difference;
        }
        least = Math.min(least, sum);
      }
    }
    return Math.sqrt((double) least / values) / 127.5;
  }

  private byte[] bytes(float[] samples, int from) {
    byte[] image = new byte[values];
    for (int p = 0; p < values; p++) {
      image[p] = (byte) Math.clamp(Math.round((samples[from + p] + 1) * 127.5f), 0, 255);
    }
    return image;
  }
}
