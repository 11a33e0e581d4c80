package dev.gatun.ddpm.training;

import dev.gatun.ddpm.diffusion.ModelConfig;
import dev.gatun.runtime.op.LossFunction;

/**
 * Everything that decides what a training run does, the data apart.
 *
 * @param model the network and its diffusion
 * @param steps optimizer steps of the whole run: the horizon of the learning rate's decay
 * @param batchSize images per step
 * @param horizontalFlip whether images are mirrored at random
 * @param loss between prediction and target
 * @param optimizer how gradients become weights
 * @param precision in which numbers the network computes
 * @param seed of the first weights, the data's order, the noise and dropout
 * @param every how often the run samples and saves
 */
public record TrainingConfig(
    ModelConfig model,
    int steps,
    int batchSize,
    boolean horizontalFlip,
    LossFunction loss,
    OptimizerConfig optimizer,
    Precision precision,
    long seed,
    Intervals every) {

  public TrainingConfig {
    require(steps >= 1, "steps", "1 or more", steps);
    require(batchSize >= 1, "batchSize", "1 or more", batchSize);
  }

  static void require(boolean holds, String name, String expected, Number got) {
    if (!holds) {
      throw new IllegalArgumentException(
          "training: expected " + name + " of " + expected + ", got " + got);
    }
  }

  /** The recipe for handwritten digits on a CPU: many small steps and v prediction. */
  public static TrainingConfig defaults() {
    return new TrainingConfig(
        ModelConfig.defaults(),
        3000,
        32,
        false,
        LossFunction.MEAN_SQUARED,
        OptimizerConfig.cosine(3e-3),
        Precision.FP32,
        0,
        new Intervals(500, 500));
  }

  /** The learning rate of step {@code step}, from 1: {@link OptimizerConfig#learningRate}. */
  public double learningRate(int step) {
    return optimizer.learningRate(step, steps);
  }

  public TrainingConfig withModel(ModelConfig model) {
    return new TrainingConfig(
        model, steps, batchSize, horizontalFlip, loss, optimizer, precision, seed, every);
  }

  public TrainingConfig withSteps(int steps) {
    return new TrainingConfig(
        model, steps, batchSize, horizontalFlip, loss, optimizer, precision, seed, every);
  }

  public TrainingConfig withBatchSize(int batchSize) {
    return new TrainingConfig(
        model, steps, batchSize, horizontalFlip, loss, optimizer, precision, seed, every);
  }

  public TrainingConfig withHorizontalFlip(boolean horizontalFlip) {
    return new TrainingConfig(
        model, steps, batchSize, horizontalFlip, loss, optimizer, precision, seed, every);
  }

  public TrainingConfig withLoss(LossFunction loss) {
    return new TrainingConfig(
        model, steps, batchSize, horizontalFlip, loss, optimizer, precision, seed, every);
  }

  public TrainingConfig withOptimizer(OptimizerConfig optimizer) {
    return new TrainingConfig(
        model, steps, batchSize, horizontalFlip, loss, optimizer, precision, seed, every);
  }

  public TrainingConfig withPrecision(Precision precision) {
    return new TrainingConfig(
        model, steps, batchSize, horizontalFlip, loss, optimizer, precision, seed, every);
  }

  public TrainingConfig withSeed(long seed) {
    return new TrainingConfig(
        model, steps, batchSize, horizontalFlip, loss, optimizer, precision, seed, every);
  }

  public TrainingConfig withEvery(Intervals every) {
    return new TrainingConfig(
        model, steps, batchSize, horizontalFlip, loss, optimizer, precision, seed, every);
  }
}
