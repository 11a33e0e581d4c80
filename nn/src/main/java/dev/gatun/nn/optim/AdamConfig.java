package dev.gatun.nn.optim;

import dev.gatun.runtime.op.AdamSettings;

/**
 * The settings of {@link Adam}.
 *
 * @param learningRate the base rate, which a {@link LearningRate} may vary
 * @param beta1 decay of the first moment, in [0, 1)
 * @param beta2 decay of the second moment, in [0, 1)
 * @param epsilon added to the root of the second moment
 * @param weightDecay decoupled decay per step, as a factor of the learning rate; 0 is plain Adam
 */
public record AdamConfig(
    double learningRate, float beta1, float beta2, float epsilon, float weightDecay) {

  public AdamConfig {
    if (!(learningRate >= 0) || !(epsilon >= 0) || !(weightDecay >= 0)) {
      throw new IllegalArgumentException(
          "Adam: expected learning rate, epsilon and weight decay of 0 or more, got "
              + learningRate
              + ", "
              + epsilon
              + " and "
              + weightDecay);
    }
    if (!(beta1 >= 0 && beta1 < 1 && beta2 >= 0 && beta2 < 1)) {
      throw new IllegalArgumentException(
          "Adam: expected betas in [0, 1), got " + beta1 + " and " + beta2);
    }
  }

  /** {@code torch.optim.Adam}'s: rate 1e-3, betas 0.9 and 0.999, epsilon 1e-8, no decay. */
  public static AdamConfig defaults() {
    return new AdamConfig(1e-3, 0.9f, 0.999f, 1e-8f, 0f);
  }

  public AdamConfig withLearningRate(double rate) {
    return new AdamConfig(rate, beta1, beta2, epsilon, weightDecay);
  }

  public AdamConfig withBetas(float first, float second) {
    return new AdamConfig(learningRate, first, second, epsilon, weightDecay);
  }

  public AdamConfig withEpsilon(float value) {
    return new AdamConfig(learningRate, beta1, beta2, value, weightDecay);
  }

  public AdamConfig withWeightDecay(float decay) {
    return new AdamConfig(learningRate, beta1, beta2, epsilon, decay);
  }

  AdamSettings settings() {
    return new AdamSettings(beta1, beta2, epsilon, weightDecay);
  }
}
