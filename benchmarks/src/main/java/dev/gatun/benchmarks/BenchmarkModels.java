package dev.gatun.benchmarks;

import dev.gatun.ddpm.diffusion.BetaSchedule;
import dev.gatun.ddpm.diffusion.ModelConfig;
import dev.gatun.ddpm.diffusion.NetworkConfig;
import dev.gatun.ddpm.diffusion.Prediction;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The networks that are compared with PyTorch's: those of {@code pytorch/networks.py}. Linear betas
 * from 1e-4 to 0.02, the noise is predicted, no dropout.
 */
final class BenchmarkModels {
  private static final Map<String, ModelConfig> MODELS =
      new TreeMap<>(
          Map.of(
              "mnist-unet",
              model(new NetworkConfig.MnistUnet(), 28, 1, 1000),
              "ddpm-unet",
              model(new NetworkConfig.DdpmUnet(32, List.of(1, 2, 4), 4, 1000), 28, 1, 1000),
              "simple-unet",
              model(NetworkConfig.SimpleUnet.defaults(), 64, 3, 300),
              "cifar-unet",
              model(NetworkConfig.CifarUnet.defaults().withDropout(0), 32, 3, 1000)));

  private BenchmarkModels() {}

  static ModelConfig named(String name) {
    ModelConfig model = MODELS.get(name);
    if (model == null) {
      throw new IllegalArgumentException(
          "--network " + name + ": expected one of " + String.join(", ", MODELS.keySet()));
    }
    return model;
  }

  private static ModelConfig model(NetworkConfig network, int side, int channels, int steps) {
    return new ModelConfig(
        network, side, side, channels, steps, BetaSchedule.linear(), Prediction.EPSILON);
  }
}
