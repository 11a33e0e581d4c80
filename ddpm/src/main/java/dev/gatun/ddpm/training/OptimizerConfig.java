package dev.gatun.ddpm.training;

import dev.gatun.nn.optim.AdamConfig;
import dev.gatun.nn.optim.LearningRate;

/**
 * How the gradients of a run become weights.
 *
 * @param adam the optimizer's settings; its learning rate is the peak, after warm-up
 * @param warmupSteps steps over which the learning rate rises linearly to the peak; 0 for none
 * @param finalLearningRate what the cosine decay from the peak ends at; the peak itself for no
 *     decay
 * @param clipNorm largest global norm of the gradient, 0 for no clipping
 * @param emaDecay largest decay of the averaged weights; step n has min(emaDecay, (1 + n) / (10 +
 *     n))
 */
public record OptimizerConfig(
    AdamConfig adam, int warmupSteps, double finalLearningRate, double clipNorm, double emaDecay) {

  public OptimizerConfig {
    TrainingConfig.require(warmupSteps >= 0, "warmupSteps", "0 or more", warmupSteps);
    TrainingConfig.require(
        finalLearningRate >= 0 && finalLearningRate <= adam.learningRate(),
        "finalLearningRate",
        "0 to the peak of " + adam.learningRate(),
        finalLearningRate);
    TrainingConfig.require(clipNorm >= 0, "clipNorm", "0 or more", clipNorm);
    TrainingConfig.require(emaDecay >= 0 && emaDecay < 1, "emaDecay", "0 up to 1", emaDecay);
  }

  /**
   * Adam at a peak of {@code learningRate} after 100 steps, down to 0 at the last; clipped at norm
   * 1, averaged with 0.999.
   */
  public static OptimizerConfig cosine(double learningRate) {
    AdamConfig adam = AdamConfig.defaults().withLearningRate(learningRate);
    return new OptimizerConfig(adam, 100, 0, 1, 0.999);
  }

  /**
   * Adam at {@code learningRate} from the first step to the last; not clipped, averaged with 0.999.
   */
  public static OptimizerConfig constant(double learningRate) {
    AdamConfig adam = AdamConfig.defaults().withLearningRate(learningRate);
    return new OptimizerConfig(adam, 0, learningRate, 0, 0.999);
  }

  /**
   * The rate of step {@code step} of {@code steps}, from 1: peak step / warmup up to the warm-up's
   * end, then final + (peak - final) (1 + cos(pi p)) / 2, where p goes from 0 to 1 at the last
   * step. Loshchilov and Hutter 2017, eq. 5.
   */
  public double learningRate(int step, int steps) {
    int last = Math.max(steps, warmupSteps + 1);
    return LearningRate.cosine(adam.learningRate(), finalLearningRate, warmupSteps, last).at(step);
  }

  /** The same course at another height: peak {@code rate}, the final rate in proportion. */
  public OptimizerConfig withLearningRate(double rate) {
    double ratio = adam.learningRate() > 0 ? finalLearningRate / adam.learningRate() : 0;
    AdamConfig changed = adam.withLearningRate(rate);
    return new OptimizerConfig(changed, warmupSteps, ratio * rate, clipNorm, emaDecay);
  }

  public OptimizerConfig withAdam(AdamConfig adam) {
    return new OptimizerConfig(adam, warmupSteps, finalLearningRate, clipNorm, emaDecay);
  }

  public OptimizerConfig withWarmupSteps(int warmupSteps) {
    return new OptimizerConfig(adam, warmupSteps, finalLearningRate, clipNorm, emaDecay);
  }

  public OptimizerConfig withFinalLearningRate(double finalLearningRate) {
    return new OptimizerConfig(adam, warmupSteps, finalLearningRate, clipNorm, emaDecay);
  }

  public OptimizerConfig withClipNorm(double clipNorm) {
    return new OptimizerConfig(adam, warmupSteps, finalLearningRate, clipNorm, emaDecay);
  }

  public OptimizerConfig withEmaDecay(double emaDecay) {
    return new OptimizerConfig(adam, warmupSteps, finalLearningRate, clipNorm, emaDecay);
  }
}
