package dev.gatun.ddpm.diffusion;

import dev.gatun.runtime.op.Activation;
import java.util.List;
import java.util.Optional;
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
    return List.of(
        new MnistUnet(),
        DdpmUnet.defaults(),
        SimpleUnet.defaults(),
        EasyUnet.defaults(),
        CifarUnet.defaults());
  }

  /** Their names, joined by commas, for people. */
  static String names() {
    return all().stream().map(NetworkConfig::name).collect(Collectors.joining(", "));
  }

  /** The one of {@link #all} with this name, if there is one. */
  static Optional<NetworkConfig> find(String name) {
    return all().stream().filter(network -> network.name().equals(name)).findFirst();
  }

  /**
   * The one of {@link #all} with this name.
   *
   * @throws IllegalArgumentException when there is none
   */
  static NetworkConfig named(String name) {
    return find(name)
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
    /** Heads of attention. */
    public static final int HEADS = 4;

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
          multipliers.getFirst() == 1,
          "ddpm-unet",
          "1 as the first multiplier, for the last block's channels",
          multipliers);
      requireWidth("ddpm-unet", "maxSteps", maxSteps);
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
   * A U-Net with batch normalization after each ReLU.
   *
   * @param channels after the first convolution and after each down block, two or more
   * @param timeWidth width of the step's embedding, even, 4 or more
   */
  record SimpleUnet(List<Integer> channels, int timeWidth) implements NetworkConfig {
    public SimpleUnet {
      channels = List.copyOf(channels);
      require(
          channels.size() >= 2 && channels.stream().allMatch(c -> c >= 1),
          "simple-unet",
          "two or more numbers of channels of 1 or more",
          channels);
      requireWidth("simple-unet", "timeWidth", timeWidth);
    }

    /** 64 to 1024 channels in four doublings, an embedding of 32. */
    public static SimpleUnet defaults() {
      return new SimpleUnet(List.of(64, 128, 256, 512, 1024), 32);
    }

    @Override
    public String name() {
      return "simple-unet";
    }
  }

  /**
   * A U-Net of residual blocks without normalization.
   *
   * @param channels C, after the first convolution, and the width of the step's embedding; even, 4
   *     or more
   * @param multipliers down layer i ends with multipliers[i] C channels
   * @param activation between the two convolutions of a residual block
   */
  record EasyUnet(int channels, List<Integer> multipliers, Activation activation)
      implements NetworkConfig {
    public EasyUnet {
      multipliers = List.copyOf(multipliers);
      requireWidth("easy-unet", "channels", channels);
      requireMultipliers("easy-unet", multipliers);
    }

    /** 64 channels, multipliers 1, 2, 4, 8, no activation. */
    public static EasyUnet defaults() {
      return new EasyUnet(64, List.of(1, 2, 4, 8), Activation.IDENTITY);
    }

    public EasyUnet withActivation(Activation activation) {
      return new EasyUnet(channels, multipliers, activation);
    }

    @Override
    public String name() {
      return "easy-unet";
    }
  }

  /**
   * The U-Net of Ho et al. 2020 for 32x32 images, as Hugging Face's diffusers has it.
   *
   * @param channels of each resolution, two or more, multiples of groups; the first, even and 4 or
   *     more, is the width of the step's embedding too
   * @param groups of the group normalizations
   * @param dropout the probability in training, in [0, 1)
   */
  record CifarUnet(List<Integer> channels, int groups, double dropout) implements NetworkConfig {
    public CifarUnet {
      channels = List.copyOf(channels);
      require(groups >= 1, "cifar-unet", "1 or more groups", groups);
      require(
          channels.size() >= 2 && channels.stream().allMatch(c -> c >= 1 && c % groups == 0),
          "cifar-unet",
          "two or more numbers of channels that the " + groups + " groups divide",
          channels);
      requireWidth("cifar-unet", "first number of channels", channels.getFirst());
      require(dropout >= 0 && dropout < 1, "cifar-unet", "a dropout in [0, 1)", dropout);
    }

    /** 128, 256, 256, 256 channels, 32 groups, dropout 0.1. */
    public static CifarUnet defaults() {
      return new CifarUnet(List.of(128, 256, 256, 256), 32, 0.1);
    }

    public CifarUnet withDropout(double dropout) {
      return new CifarUnet(channels, groups, dropout);
    }

    @Override
    public String name() {
      return "cifar-unet";
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
      if (find(name).isPresent()) {
        throw new IllegalArgumentException(
            "network " + name + ": is the name of a network of Gatun's, choose another");
      }
    }
  }

  private static void requireMultipliers(String name, List<Integer> multipliers) {
    require(
        !multipliers.isEmpty() && multipliers.stream().allMatch(m -> m >= 1),
        name,
        "one or more multipliers of 1 or more",
        multipliers);
  }

  private static void requireWidth(String name, String field, int width) {
    require(width >= 4 && width % 2 == 0, name, "an even " + field + " of 4 or more", width);
  }

  private static void require(boolean holds, String name, String expected, Object got) {
    if (!holds) {
      throw new IllegalArgumentException(
          "network " + name + ": expected " + expected + ", got " + got);
    }
  }
}
