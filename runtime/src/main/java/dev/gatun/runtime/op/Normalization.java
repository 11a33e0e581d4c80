package dev.gatun.runtime.op;

import dev.gatun.runtime.tensor.Tensor;

/**
 * Normalization to zero mean and unit variance with a learned scale and shift, followed by an
 * activation f.
 *
 * <p>x, y, dy, dx: [N, ..., C]; gamma, beta, dgamma, dbeta: FLOAT32 [C]. Variances are biased
 * (divided by the count). y may be x, dx may be dy.
 */
public interface Normalization {

  /**
   * y = f(gamma[c] * (u - mean[n,g]) * rstd[n,g] + beta[c]) + after[n,c] + residual with u = x +
   * bias[c] + before[n,c] and rstd = 1 / sqrt(variance + epsilon), with statistics of u over the
   * pixels of a sample and the C / groups channels of a group; mean and rstd, FLOAT32 [N, groups],
   * are kept for the gradient. Wu and He 2018, eqs. 1 to 6.
   */
  void groupNorm(
      int groups,
      float epsilon,
      Activation f,
      Tensor x,
      Addends addends,
      Tensor gamma,
      Tensor beta,
      Tensor y,
      Tensor mean,
      Tensor rstd);

  /** {@link #groupNorm} of x alone. */
  default void groupNorm(
      int groups,
      float epsilon,
      Activation f,
      Tensor x,
      Tensor gamma,
      Tensor beta,
      Tensor y,
      Tensor mean,
      Tensor rstd) {
    groupNorm(groups, epsilon, f, x, Addends.NONE, gamma, beta, y, mean, rstd);
  }

  /**
   * dx, dgamma, dbeta and the gradients by the addends that are not null in {@code dAddends} of
   * {@link #groupNorm}, from its inputs, its mean and rstd, and dy: dbefore[n,c] = sum_p dx[n,p,c],
   * dbias[c] = sum_n dbefore[n,c], dafter[n,c] = sum_p dy[n,p,c]. The residual's is dy.
   */
  void groupNormGradient(
      int groups,
      Activation f,
      Tensor x,
      Addends addends,
      Tensor gamma,
      Tensor beta,
      Tensor mean,
      Tensor rstd,
      Tensor dy,
      Tensor dx,
      Tensor dgamma,
      Tensor dbeta,
      Addends dAddends);

  /** {@link #groupNormGradient} of x alone. */
  default void groupNormGradient(
      int groups,
      Activation f,
      Tensor x,
      Tensor gamma,
      Tensor beta,
      Tensor mean,
      Tensor rstd,
      Tensor dy,
      Tensor dx,
      Tensor dgamma,
      Tensor dbeta) {
    groupNormGradient(
        groups, f, x, Addends.NONE, gamma, beta, mean, rstd, dy, dx, dgamma, dbeta, Addends.NONE);
  }

  /**
   * y = f(gamma[c] * (x - mean[c]) * rstd[c] + beta[c]) with statistics over all rows of the batch,
   * which are kept in mean and rstd, FLOAT32 [C]; the running ones, FLOAT32 [C], move by {@code
   * running = (1 - momentum) * running + momentum * new}, where the new variance is unbiased
   * (divided by the count - 1). Ioffe and Szegedy 2015, algorithm 1.
   */
  void batchNorm(
      float epsilon,
      float momentum,
      Activation f,
      Tensor x,
      Tensor gamma,
      Tensor beta,
      Tensor runningMean,
      Tensor runningVariance,
      Tensor y,
      Tensor mean,
      Tensor rstd);

  /**
   * y = f(gamma[c] * (x - mean[c]) / sqrt(variance[c] + epsilon) + beta[c]) with the given, running
   * statistics.
   */
  void batchNormInference(
      float epsilon,
      Activation f,
      Tensor x,
      Tensor gamma,
      Tensor beta,
      Tensor mean,
      Tensor variance,
      Tensor y);

  /** dx, dgamma and dbeta of {@link #batchNorm}, from its inputs, its mean and rstd, and dy. */
  void batchNormGradient(
      Activation f,
      Tensor x,
      Tensor gamma,
      Tensor beta,
      Tensor mean,
      Tensor rstd,
      Tensor dy,
      Tensor dx,
      Tensor dgamma,
      Tensor dbeta);
}
