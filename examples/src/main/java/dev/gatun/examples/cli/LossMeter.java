package dev.gatun.examples.cli;

/**
 * The exponential mean of the losses so far, m = sum_i d^(n-i) loss_i / sum_i d^(n-i) with d =
 * 0.98: about the last fifty steps.
 */
final class LossMeter {
  private static final double DECAY = 0.98;

  private double sum;
  private double weight;

  void add(double loss) {
    sum = DECAY * sum + loss;
    weight = DECAY * weight + 1;
  }

  /** NaN before the first loss. */
  double mean() {
    return sum / weight;
  }
}
