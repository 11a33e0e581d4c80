package dev.gatun.ddpm.training;

import dev.gatun.ddpm.diffusion.ModelConfig;
import dev.gatun.runtime.op.AdamSettings;
import dev.gatun.runtime.op.LossFunction;

/**
 * Everything that decides what a training run does, the data apart.
 *
 * @param model the network and its diffusion
 * @param steps optimizer steps of the whole run: the horizon of the learning rate's decay
 * @param batchSize images per step
 * @param precision in which numbers the network computes
 * @param seed of the first weights, the data's order, the noise and dropout
 * @param loss between prediction and target
 * @param learningRate the peak, after warm-up
 * @param warmupSteps steps over which the learning rate rises linearly to the peak; 0 for none
 * @param finalLearningRate what the cosine decay from the peak ends at; the peak itself for no
 *     decay
 * @param adam the optimizer's constants
 * @param clipNorm largest global norm of the gradient, 0 for no clipping
 * @param emaDecay largest decay of the averaged weights; step n has min(emaDecay, (1 + n) / (10 +
 *     n))
 * @param horizontalFlip whether images are mirrored at random
 * @param sampleEvery steps from one sheet of samples to the next, 0 for the last step only
 * @param saveEvery steps from one checkpoint to the next, 0 for the last step only
 */
public record TrainingConfig(
    ModelConfig model,
    int steps,
    int batchSize,
    Precision precision,
    long seed,
    LossFunction loss,
    double learningRate,
    int warmupSteps,
    double finalLearningRate,
    AdamSettings adam,
    double clipNorm,
    double emaDecay,
    boolean horizontalFlip,
    int sampleEvery,
    int saveEvery) {

  public TrainingConfig {
    require(steps >= 1, "steps", "1 or more", steps);
    require(batchSize >= 1, "batchSize", "1 or more", batchSize);
    require(learningRate > 0 && learningRate < 1e3, "learningRate", "above 0", learningRate);
    require(warmupSteps >= 0, "warmupSteps", "0 or more", warmupSteps);
    require(
        finalLearningRate >= 0 && finalLearningRate <= learningRate,
        "finalLearningRate",
        "0 to learningRate",
        finalLearningRate);
    require(adam.beta1() >= 0 && adam.beta1() < 1, "beta1", "0 up to 1", adam.beta1());
    require(adam.beta2() >= 0 && adam.beta2() < 1, "beta2", "0 up to 1", adam.beta2());
    require(adam.epsilon() > 0, "epsilon", "above 0", adam.epsilon());
    require(adam.weightDecay() >= 0, "weightDecay", "0 or more", adam.weightDecay());
    require(clipNorm >= 0, "clipNorm", "0 or more", clipNorm);
    require(emaDecay >= 0 && emaDecay < 1, "emaDecay", "0 up to 1", emaDecay);
    require(sampleEvery >= 0, "sampleEvery", "0 or more", sampleEvery);
    require(saveEvery >= 0, "saveEvery", "0 or more", saveEvery);
  }

  private static void require(boolean holds, String name, String expected, Number got) {
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
        Precision.FP32,
        0,
        LossFunction.MEAN_SQUARED,
        2e-3,
        100,
        0,
        new AdamSettings(0.9f, 0.999f, 1e-8f, 0),
        1,
        0.999,
        false,
        500,
        500);
  }

  public TrainingConfig withModel(ModelConfig model) {
    return new TrainingConfig(
        model,
        steps,
        batchSize,
        precision,
        seed,
        loss,
        learningRate,
        warmupSteps,
        finalLearningRate,
        adam,
        clipNorm,
        emaDecay,
        horizontalFlip,
        sampleEvery,
        saveEvery);
  }

  public TrainingConfig withSteps(int steps) {
    return new TrainingConfig(
        model,
        steps,
        batchSize,
        precision,
        seed,
        loss,
        learningRate,
        warmupSteps,
        finalLearningRate,
        adam,
        clipNorm,
        emaDecay,
        horizontalFlip,
        sampleEvery,
        saveEvery);
  }

  public TrainingConfig withBatchSize(int batchSize) {
    return new TrainingConfig(
        model,
        steps,
        batchSize,
        precision,
        seed,
        loss,
        learningRate,
        warmupSteps,
        finalLearningRate,
        adam,
        clipNorm,
        emaDecay,
        horizontalFlip,
        sampleEvery,
        saveEvery);
  }

  public TrainingConfig withPrecision(Precision precision) {
    return new TrainingConfig(
        model,
        steps,
        batchSize,
        precision,
        seed,
        loss,
        learningRate,
        warmupSteps,
        finalLearningRate,
        adam,
        clipNorm,
        emaDecay,
        horizontalFlip,
        sampleEvery,
        saveEvery);
  }

  public TrainingConfig withSeed(long seed) {
    return new TrainingConfig(
        model,
        steps,
        batchSize,
        precision,
        seed,
        loss,
        learningRate,
        warmupSteps,
        finalLearningRate,
        adam,
        clipNorm,
        emaDecay,
        horizontalFlip,
        sampleEvery,
        saveEvery);
  }

  public TrainingConfig withLoss(LossFunction loss) {
    return new TrainingConfig(
        model,
        steps,
        batchSize,
        precision,
        seed,
        loss,
        learningRate,
        warmupSteps,
        finalLearningRate,
        adam,
        clipNorm,
        emaDecay,
        horizontalFlip,
        sampleEvery,
        saveEvery);
  }

  public TrainingConfig withLearningRate(double learningRate) {
    return new TrainingConfig(
        model,
        steps,
        batchSize,
        precision,
        seed,
        loss,
        learningRate,
        warmupSteps,
        finalLearningRate,
        adam,
        clipNorm,
        emaDecay,
        horizontalFlip,
        sampleEvery,
        saveEvery);
  }

  public TrainingConfig withWarmupSteps(int warmupSteps) {
    return new TrainingConfig(
        model,
        steps,
        batchSize,
        precision,
        seed,
        loss,
        learningRate,
        warmupSteps,
        finalLearningRate,
        adam,
        clipNorm,
        emaDecay,
        horizontalFlip,
        sampleEvery,
        saveEvery);
  }

  public TrainingConfig withFinalLearningRate(double finalLearningRate) {
    return new TrainingConfig(
        model,
        steps,
        batchSize,
        precision,
        seed,
        loss,
        learningRate,
        warmupSteps,
        finalLearningRate,
        adam,
        clipNorm,
        emaDecay,
        horizontalFlip,
        sampleEvery,
        saveEvery);
  }

  public TrainingConfig withAdam(AdamSettings adam) {
    return new TrainingConfig(
        model,
        steps,
        batchSize,
        precision,
        seed,
        loss,
        learningRate,
        warmupSteps,
        finalLearningRate,
        adam,
        clipNorm,
        emaDecay,
        horizontalFlip,
        sampleEvery,
        saveEvery);
  }

  public TrainingConfig withClipNorm(double clipNorm) {
    return new TrainingConfig(
        model,
        steps,
        batchSize,
        precision,
        seed,
        loss,
        learningRate,
        warmupSteps,
        finalLearningRate,
        adam,
        clipNorm,
        emaDecay,
        horizontalFlip,
        sampleEvery,
        saveEvery);
  }

  public TrainingConfig withEmaDecay(double emaDecay) {
    return new TrainingConfig(
        model,
        steps,
        batchSize,
        precision,
        seed,
        loss,
        learningRate,
        warmupSteps,
        finalLearningRate,
        adam,
        clipNorm,
        emaDecay,
        horizontalFlip,
        sampleEvery,
        saveEvery);
  }

  public TrainingConfig withHorizontalFlip(boolean horizontalFlip) {
    return new TrainingConfig(
        model,
        steps,
        batchSize,
        precision,
        seed,
        loss,
        learningRate,
        warmupSteps,
        finalLearningRate,
        adam,
        clipNorm,
        emaDecay,
        horizontalFlip,
        sampleEvery,
        saveEvery);
  }

  public TrainingConfig withSampleEvery(int sampleEvery) {
    return new TrainingConfig(
        model,
        steps,
        batchSize,
        precision,
        seed,
        loss,
        learningRate,
        warmupSteps,
        finalLearningRate,
        adam,
        clipNorm,
        emaDecay,
        horizontalFlip,
        sampleEvery,
        saveEvery);
  }

  public TrainingConfig withSaveEvery(int saveEvery) {
    return new TrainingConfig(
        model,
        steps,
        batchSize,
        precision,
        seed,
        loss,
        learningRate,
        warmupSteps,
        finalLearningRate,
        adam,
        clipNorm,
        emaDecay,
        horizontalFlip,
        sampleEvery,
        saveEvery);
  }
}
