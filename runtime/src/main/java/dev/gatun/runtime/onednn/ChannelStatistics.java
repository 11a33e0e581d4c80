package dev.gatun.runtime.onednn;

/**
 * Mean and variance over {@code rows} of channels {@code from} to {@code from + count}. Of channel
 * c there are {@code sums[c]} and {@code squares[c]} of the differences from {@code pivot[c]}, and
 * what is added to each number of it.
 */
final class ChannelStatistics {

  private ChannelStatistics() {}

  static double mean(float[] pivot, float[] added, double[] sums, int from, int count, long rows) {
    double mean = 0;
    for (int c = from; c < from + count; c++) {
      mean += ((double) pivot[c] + added[c] + sums[c] / rows) / count;
    }
    return mean;
  }

  /** The biased variance about {@code mean}. */
  static double variance(
      double mean,
      float[] pivot,
      float[] added,
      double[] sums,
      double[] squares,
      int from,
      int count,
      long rows) {
    double variance = 0;
    for (int c = from; c < from + count; c++) {
      double own = sums[c] / rows;
      double between = (double) pivot[c] + added[c] + own - mean;
      variance += (Math.max(0, squares[c] / rows - own * own) + between * between) / count;
    }
    return variance;
  }
}
