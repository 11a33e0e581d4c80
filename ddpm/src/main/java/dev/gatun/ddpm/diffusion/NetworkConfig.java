package dev.gatun.ddpm.diffusion;

import java.util.List;
import java.util.stream.Collectors;

/**
 * Which network predicts, with the numbers that decide its parameters' shapes: one record for each
 * architecture. What depends on the images (their channels) or the diffusion (T) is in {@link
 * ModelConfig}.
 */
public sealed interface NetworkConfig {

  /** What files and the command line call the architecture: {@code "mnist-unet"}. */
  String name();

  /** The networks that come with Gatun, at their defaults. */
  static List<NetworkConfig> all() {
    return List.of(new MnistUnet());
  }

  /** Their names, joined by commas, for people. */
  static String names() {
    return all().stream().map(NetworkConfig::name).collect(Collectors.joining(", "));
  }

  /**
   * The one of {@link #all} with this name.
   *
   * @throws IllegalArgumentException when there is none
   */
  static NetworkConfig named(String name) {
    return all().stream()
        .filter(network -> network.name().equals(name))
        .findFirst()
        .orElseThrow(
            () -> new IllegalArgumentException("network " + name + ": expected one of " + names()));
  }

  /** A small U-Net for 28x28 images. */
  record MnistUnet() implements NetworkConfig {
    @Override
    public String name() {
      return "mnist-unet";
    }
  }

  /**
   * A {@link Denoiser} that a program brings along: it can be trained and sampled from, but only
   * that program can build it again.
   *
   * @param name none of those in {@link #names}
   */
  record Custom(String name) implements NetworkConfig {
    public Custom {
      if (all().stream().anyMatch(network -> network.name().equals(name))) {
        throw new IllegalArgumentException(
            "network " + name + ": is the name of a network of Gatun's, choose another");
      }
    }
  }
}
