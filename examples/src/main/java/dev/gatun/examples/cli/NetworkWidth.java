package dev.gatun.examples.cli;

import dev.gatun.ddpm.diffusion.NetworkConfig;

/** The option {@code --channels}: a network with other channels. */
final class NetworkWidth {
  private NetworkWidth() {}

  /** The network with that many channels at the images' own size. */
  static NetworkConfig withChannels(NetworkConfig network, int channels) {
    throw new UsageException("--channels: the network %s has one width".formatted(network.name()));
  }
}
