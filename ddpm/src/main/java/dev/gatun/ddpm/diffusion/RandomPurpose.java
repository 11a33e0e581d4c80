package dev.gatun.ddpm.diffusion;

/**
 * What a run's streams of random numbers are for; the data's order and a network's dropout have
 * purposes of their own.
 */
public final class RandomPurpose {
  /** The t of each image of a training step. */
  public static final int TIMESTEPS = 1;

  /** The eps of each image of a training step. */
  public static final int TRAINING_NOISE = 2;

  /** x_T of each sample. */
  public static final int FIRST_STATE = 3;

  /** The noise of each sample in each step of a sampler. */
  public static final int SAMPLER_NOISE = 4;

  private RandomPurpose() {}
}
