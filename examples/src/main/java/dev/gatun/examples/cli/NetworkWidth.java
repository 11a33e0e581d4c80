package dev.gatun.examples.cli;

import dev.gatun.ddpm.diffusion.NetworkConfig;
import java.util.List;

/** The option {@code --channels}: a network with other channels. */
final class NetworkWidth {
  private NetworkWidth() {}

  /** The network with that many channels at the images' own size. */
  static NetworkConfig withChannels(NetworkConfig network, int channels) {
    return switch (network) {
      case NetworkConfig.DdpmUnet unet ->
          new NetworkConfig.DdpmUnet(channels, unet.multipliers(), unet.groups(), unet.maxSteps());
      case NetworkConfig.SimpleUnet unet ->
          new NetworkConfig.SimpleUnet(scaled(unet.channels(), channels), unet.timeWidth());
      case NetworkConfig.EasyUnet unet ->
          new NetworkConfig.EasyUnet(channels, unet.multipliers(), unet.activation());
      case NetworkConfig.CifarUnet unet ->
          new NetworkConfig.CifarUnet(
              scaled(unet.channels(), channels), unet.groups(), unet.dropout());
      case NetworkConfig.MnistUnet _, NetworkConfig.Custom _ ->
          throw new UsageException(
              "--channels: the network %s has one width".formatted(network.name()));
    };
  }

  /** The same ratios, beginning with {@code first}. */
  private static List<Integer> scaled(List<Integer> channels, int first) {
    return channels.stream().map(c -> Math.multiplyExact(c / channels.getFirst(), first)).toList();
  }
}
