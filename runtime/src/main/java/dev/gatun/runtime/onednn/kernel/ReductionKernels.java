package dev.gatun.runtime.onednn.kernel;

import dev.gatun.runtime.op.AdamSettings;
import dev.gatun.runtime.op.LossFunction;

/** Sums over numbers, and the updates of flat FLOAT32 ranges. */
public interface ReductionKernels {

  /** sums[c] += sum_r x[r, c], over {@code rows} rows from number {@code first} on. */
  void sumRows(Rows x, long first, long rows, double[] sums);

  /** The sum of the squares of rows by width numbers. */
  double sumOfSquares(Rows x, long rows, long width);

  /** The sum of the function of prediction - target; gradient = scale * its derivative. */
  double loss(
      LossFunction function,
      Rows prediction,
      Rows target,
      float scale,
      Rows gradient,
      long rows,
      long width);

  /**
   * AdamW on {@code count} numbers: see {@link dev.gatun.runtime.op.ParameterUpdate#adamW}.
   *
   * @param stepSize lr / (1 - beta1^t)
   * @param rootCorrection 1 / sqrt(1 - beta2^t)
   */
  void adamW(
      AdamSettings settings,
      float learningRate,
      float stepSize,
      float rootCorrection,
      float gradientScale,
      long gradient,
      long parameter,
      long firstMoment,
      long secondMoment,
      long count);

  /** y += x over {@code count} FLOAT32. */
  void accumulate(long x, long y, long count);

  /** average = decay * average + (1 - decay) * x over {@code count} FLOAT32. */
  void movingAverage(float decay, long x, long average, long count);
}
