package dev.gatun.nn.optim;

/** The learning rate as a function of the step's number, which is 1 at the first step. */
@FunctionalInterface
public interface LearningRate {

  /** The rate of step {@code step}. */
  double at(int step);

  /** The same at every step. */
  static LearningRate constant(double rate) {
    return step -> rate;
  }

  /** rate * min(1, step / warmup): linear warm-up, then constant. Ho et al. 2020, appendix B. */
  static LearningRate linearWarmup(double rate, int warmup) {
    return step -> step < warmup ? rate * step / warmup : rate;
  }

  /** As {@link #cosine(double, double, int, int)} to a rate of 0. */
  static LearningRate cosine(double rate, int warmup, int total) {
    return cosine(rate, 0, warmup, total);
  }

  /**
   * Linear warm-up over {@code warmup} steps, then last + (rate - last) * (1 + cos(pi * (step -
   * warmup) / (total - warmup))) / 2, which is {@code last} at step {@code total} and after.
   * Loshchilov and Hutter 2017, eq. 5.
   */
  static LearningRate cosine(double rate, double last, int warmup, int total) {
    if (warmup < 0 || total <= warmup) {
      throw new IllegalArgumentException(
          "cosine learning rate: expected 0 <= warmup < total, got warmup "
              + warmup
              + " and total "
              + total);
    }
    return step -> {
      if (step < warmup) {
        return rate * step / warmup;
      }
      double progress = Math.min(1, (step - warmup) / (double) (total - warmup));
      double shape = (1 + StrictMath.cos(StrictMath.PI * progress)) / 2;
      return last + (rate - last) * shape;
    };
  }
}
