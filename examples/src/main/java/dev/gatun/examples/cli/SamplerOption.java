package dev.gatun.examples.cli;

import dev.gatun.ddpm.diffusion.ModelConfig;
import dev.gatun.ddpm.sampler.AncestralSampler;
import dev.gatun.ddpm.sampler.Clamp;
import dev.gatun.ddpm.sampler.DdimSampler;
import dev.gatun.ddpm.sampler.Sampler;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The way from noise to an image. */
final class SamplerOption {
  private static final int DDIM_STEPS = 50;
  private static final int DDPM_STEPS = 200;

  /** A diffusion of so many steps, or fewer, is walked back step by step. */
  private static final int SHORT = 300;

  /** The ways. */
  enum Kind {
    DDPM,
    DDIM
  }

  @Option(
      names = "--sampler",
      paramLabel = "ddpm|ddim",
      defaultValue = "ddpm",
      description =
          "ddpm (the default) adds new noise at each step, which mends the mistakes of the last;"
              + " ddim adds none and takes fewer steps.")
  private Kind kind = Kind.DDPM;

  @Option(
      names = "--steps",
      paramLabel = "N",
      description =
          "Evaluations of the network per image; the default is 200 for ddpm (all where the network"
              + " has 300 or fewer), 50 for ddim.")
  private @Nullable Integer steps;

  @Option(
      names = "--clamp",
      paramLabel = "nothing|image|state",
      description =
          "What is kept within [-1, 1]: the image that the network sees at each step (the default),"
              + " the next state (the default for simple-unet), or nothing.")
  private @Nullable Clamp clamp;

  /** Refuses what no network can do. */
  void requireSense() {
    if (steps != null && steps < 1) {
      throw new UsageException("--steps: expected 1 or more");
    }
  }

  /** The sampler for a network. */
  Sampler sampler(ModelConfig model, Clamp usual) {
    int all = model.diffusionSteps();
    if (steps != null && steps > all) {
      throw new IllegalArgumentException(
          "--steps %,d: the network was trained for %,d steps: give at most that"
              .formatted(steps, all));
    }
    Clamp kept = clamp != null ? clamp : usual;
    return switch (kind) {
      case DDPM ->
          AncestralSampler.of(steps != null ? steps : ancestralSteps(DDPM_STEPS, all))
              .withClamp(kept);
      case DDIM ->
          DdimSampler.of(steps != null ? steps : Math.min(DDIM_STEPS, all)).withClamp(kept);
    };
  }

  /** {@code usual} steps of a diffusion of {@code all}, or all where these are few. */
  static int ancestralSteps(int usual, int all) {
    return all <= SHORT ? all : Math.min(usual, all);
  }
}
