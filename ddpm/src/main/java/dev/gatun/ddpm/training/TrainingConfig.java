package dev.gatun.ddpm.training;

import dev.gatun.ddpm.diffusion.ModelConfig;
import dev.gatun.nn.optim.AdamConfig;
import dev.gatun.nn.optim.LearningRate;
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
 * @param adam the optimizer's settings; its learning rate is the peak, after warm-up
 * @param warmupSteps steps over which the learning rate rises linearly to the peak; 0 for none
 * @param finalLearningRate what the cosine decay from the peak ends at; the peak itself for no
 *     decay
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
    AdamConfig adam,
    int warmupSteps,
    double finalLearningRate,
    double clipNorm,
    double emaDecay,
    boolean horizontalFlip,
    int sampleEvery,
    int saveEvery) {

  public TrainingConfig {
    require(steps >= 1, "steps", "1 or more", steps);
    require(batchSize >= 1, "batchSize", "1 or more", batchSize);
    require(warmupSteps >= 0, "warmupSteps", "0 or more", warmupSteps);
    require(
        finalLearningRate >= 0 && finalLearningRate <= adam.learningRate(),
        "finalLearningRate",
        "0 to the peak of " + adam.learningRate(),
        finalLearningRate);
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
        AdamConfig.defaults().withLearningRate(3e-3),
        100,
        0,
        1,
        0.999,
        false,
        500,
        500);
  }

  /**
   * The rate of step {@code step}, from 1: peak step / warmup up to the warm-up's end, then final +
   * (peak - final) (1 + cos(pi p)) / 2, where p goes from 0 to 1 at the last step. Loshchilov and
   * Hutter 2017, eq. 5.
   */
  public double learningRate(int step) {
    int last = Math.max(steps, warmupSteps + 1);
    return LearningRate.cosine(adam.learningRate(), finalLearningRate, warmupSteps, last).at(step);
  }

  public TrainingConfig withModel(ModelConfig model) {
    return new TrainingConfig(
        model,
        steps,
        batchSize,
        precision,
        seed,
        loss,
        adam,
        warmupSteps,
        finalLearningRate,
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
        adam,
        warmupSteps,
        finalLearningRate,
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
        adam,
        warmupSteps,
        finalLearningRate,
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
        adam,
        warmupSteps,
        finalLearningRate,
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
        adam,
        warmupSteps,
        finalLearningRate,
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
        adam,
        warmupSteps,
        finalLearningRate,
        clipNorm,
        emaDecay,
        horizontalFlip,
        sampleEvery,
        saveEvery);
  }

  public TrainingConfig withAdam(AdamConfig adam) {
    return new TrainingConfig(
        model,
        steps,
        batchSize,
        precision,
        seed,
        loss,
        adam,
        warmupSteps,
        finalLearningRate,
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
        adam,
        warmupSteps,
        finalLearningRate,
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
        adam,
        warmupSteps,
        finalLearningRate,
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
        adam,
        warmupSteps,
        finalLearningRate,
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
        adam,
        warmupSteps,
        finalLearningRate,
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
        adam,
        warmupSteps,
        finalLearningRate,
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
        adam,
        warmupSteps,
        finalLearningRate,
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
        adam,
        warmupSteps,
        finalLearningRate,
        clipNorm,
        emaDecay,
        horizontalFlip,
        sampleEvery,
        saveEvery);
  }
}
