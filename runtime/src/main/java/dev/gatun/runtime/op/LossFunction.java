package dev.gatun.runtime.op;

/** The mean over all elements of a function of the error e = prediction - target. */
public enum LossFunction {
  /** e^2. */
  MEAN_SQUARED,
  /** |e|. */
  L1,
  /**
   * e^2 / 2 where |e| is below 1, else |e| - 1/2: {@code torch.nn.HuberLoss} with delta 1. Huber
   * 1964.
   */
  HUBER
}
