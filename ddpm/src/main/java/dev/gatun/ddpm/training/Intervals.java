package dev.gatun.ddpm.training;

/**
 * How often a run shows and keeps what it has; nothing of its numbers depends on it.
 *
 * @param sample steps from one sheet of samples to the next, 0 for the last step only
 * @param save steps from one checkpoint to the next, 0 for the last step only
 */
public record Intervals(int sample, int save) {
  public Intervals {
    TrainingConfig.require(sample >= 0, "sampleEvery", "0 or more", sample);
    TrainingConfig.require(save >= 0, "saveEvery", "0 or more", save);
  }

  public Intervals withSample(int sample) {
    return new Intervals(sample, save);
  }

  public Intervals withSave(int save) {
    return new Intervals(sample, save);
  }
}
