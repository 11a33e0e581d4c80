package dev.gatun.ddpm.diffusion;

import dev.gatun.runtime.tensor.Shape;

/**
 * What has to be known of a network besides its weights to draw images with it.
 *
 * @param network its architecture
 * @param height rows of an image
 * @param width columns of an image
 * @param channels 1 for grayscale, 3 for RGB
 * @param diffusionSteps T
 * @param betas the variances of the T steps
 * @param prediction what the network predicts
 */
public record ModelConfig(
    NetworkConfig network,
    int height,
    int width,
    int channels,
    int diffusionSteps,
    BetaSchedule betas,
    Prediction prediction) {

  public ModelConfig {
    if (height < 1 || width < 1 || channels < 1) {
      throw new IllegalArgumentException(
          "model: expected images of 1 or more rows, columns and channels, got "
              + height
              + "x"
              + width
              + "x"
              + channels);
    }
    if (diffusionSteps < 1) {
      throw new IllegalArgumentException(
          "model: expected 1 or more diffusion steps, got " + diffusionSteps);
    }
  }

  /** The MNIST U-Net on 28x28 grayscale images; T = 1000, cosine betas, v prediction. */
  public static ModelConfig defaults() {
    return new ModelConfig(
        new NetworkConfig.MnistUnet(), 28, 28, 1, 1000, BetaSchedule.cosine(), Prediction.V);
  }

  /** [height, width, channels]. */
  public Shape imageShape() {
    return Shape.of(height, width, channels);
  }

  /** The schedule of the T steps. */
  public NoiseSchedule schedule() {
    return NoiseSchedule.of(betas, diffusionSteps);
  }

  public ModelConfig withNetwork(NetworkConfig network) {
    return new ModelConfig(network, height, width, channels, diffusionSteps, betas, prediction);
  }

  public ModelConfig withImage(int height, int width, int channels) {
    return new ModelConfig(network, height, width, channels, diffusionSteps, betas, prediction);
  }

  public ModelConfig withDiffusionSteps(int diffusionSteps) {
    return new ModelConfig(network, height, width, channels, diffusionSteps, betas, prediction);
  }

  public ModelConfig withBetas(BetaSchedule betas) {
    return new ModelConfig(network, height, width, channels, diffusionSteps, betas, prediction);
  }

  public ModelConfig withPrediction(Prediction prediction) {
    return new ModelConfig(network, height, width, channels, diffusionSteps, betas, prediction);
  }
}
