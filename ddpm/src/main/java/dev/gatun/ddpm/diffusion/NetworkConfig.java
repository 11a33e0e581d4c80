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
    return List.of(new MnistUnet(), DdpmUnet.defaults());
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
   * The U-Net of Ho et al. 2020 with attention at every resolution.
   *
   * @param channels C, after the first convolution; a multiple of four, the heads of attention
   * @param multipliers the i-th resolution has multipliers[i] C channels; the first one is 1
   * @param groups of the group normalizations; divides the channels
   * @param maxSteps width of the step's embedding, even; at least as many as the diffusion's steps
   */
  record DdpmUnet(int channels, List<Integer> multipliers, int groups, int maxSteps)
      implements NetworkConfig {
    private static final int HEADS = 4;

    public DdpmUnet {
      multipliers = List.copyOf(multipliers);
      require(channels >= 1, "ddpm-unet", "1 or more channels", channels);
      require(
          channels % HEADS == 0,
          "ddpm-unet",
          "channels that the " + HEADS + " heads of attention divide",
          channels);
      require(
          groups >= 1 && channels % groups == 0,
          "ddpm-unet",
          "groups that divide the " + channels + " channels",
          groups);
      requireMultipliers("ddpm-unet", multipliers);
      require(
          maxSteps >= 4 && maxSteps % 2 == 0,
          "ddpm-unet",
          "an even maxSteps of 4 or more",
          maxSteps);
    }

    /** 128 channels, multipliers 1, 2, 4, 8, 4 groups, 1000 steps. */
    public static DdpmUnet defaults() {
      return new DdpmUnet(128, List.of(1, 2, 4, 8), 4, 1000);
    }

    @Override
    public String name() {
      return "ddpm-unet";
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

  private static void requireMultipliers(String name, List<Integer> multipliers) {
    require(
        !multipliers.isEmpty()
            && multipliers.getFirst() == 1
            && multipliers.stream().allMatch(m -> m >= 1),
        name,
        "multipliers of 1 or more, the first of them 1",
        multipliers);
  }

  private static void require(boolean holds, String name, String expected, Object got) {
    if (!holds) {
      throw new IllegalArgumentException(
          "network " + name + ": expected " + expected + ", got " + got);
    }
  }
}
