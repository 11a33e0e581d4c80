package dev.gatun.ddpm.unet;

import dev.gatun.ddpm.diffusion.Denoiser;
import dev.gatun.ddpm.diffusion.ModelConfig;
import dev.gatun.ddpm.diffusion.NetworkConfig;
import dev.gatun.runtime.op.Backend;

/** Builds networks: what a run's configuration says is built again from it. */
public final class Networks {

  private Networks() {}

  /**
   * The network of {@code config} with its first weights, a function of {@code seed}.
   *
   * @throws IllegalArgumentException when it is not one of Gatun's, or does not take such images
   */
  public static Denoiser create(Backend backend, ModelConfig config, long seed) {
    return switch (config.network()) {
      case NetworkConfig.MnistUnet _ -> new MnistUnet(backend, config, seed);
      case NetworkConfig.DdpmUnet unet -> new DdpmUnet(backend, unet, config, seed);
      case NetworkConfig.SimpleUnet unet -> new SimpleUnet(backend, unet, config, seed);
      case NetworkConfig.EasyUnet unet -> new EasyUnet(backend, unet, config, seed);
      case NetworkConfig.CifarUnet unet -> new CifarUnet(backend, unet, config, seed);
      case NetworkConfig.Custom(String name) ->
          throw new IllegalArgumentException(
              "network " + name + ": expected one of " + NetworkConfig.names());
    };
  }
}
