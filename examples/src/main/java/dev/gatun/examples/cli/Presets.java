package dev.gatun.examples.cli;

import dev.gatun.ddpm.data.ImageTransform.Fit;
import dev.gatun.ddpm.diffusion.BetaSchedule;
import dev.gatun.ddpm.diffusion.ModelConfig;
import dev.gatun.ddpm.diffusion.NetworkConfig;
import dev.gatun.ddpm.diffusion.Prediction;
import dev.gatun.ddpm.sampler.Clamp;
import dev.gatun.ddpm.training.Intervals;
import dev.gatun.ddpm.training.OptimizerConfig;
import dev.gatun.ddpm.training.Precision;
import dev.gatun.ddpm.training.TrainingConfig;
import dev.gatun.runtime.op.Activation;
import dev.gatun.runtime.op.LossFunction;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** What {@code gatun train} knows how to train. */
final class Presets {
  /** Digits of 28x28 on any machine. */
  static final Preset MNIST =
      new Preset(
          "mnist",
          "a small U-Net without attention, for 28x28",
          Fit.CENTER_CROP,
          Clamp.IMAGE,
          List.of(
              new Recipe(
                  Size.FULL,
                  864_609,
                  TrainingConfig.defaults(),
                  Recipe.Length.ofMinutes(5),
                  true)));

  /** The U-Net of the DDPM paper as documents that teach it build it, attention everywhere. */
  static final Preset DDPM_UNET =
      new Preset(
          "ddpm-unet",
          "the DDPM paper's U-Net with attention at every resolution",
          Fit.CENTER_CROP,
          Clamp.IMAGE,
          List.of(
              new Recipe(
                  Size.FULL,
                  132_751_491,
                  new TrainingConfig(
                      new ModelConfig(
                          NetworkConfig.DdpmUnet.defaults(),
                          32,
                          32,
                          3,
                          1000,
                          BetaSchedule.linear(),
                          Prediction.EPSILON),
                      400_000,
                      128,
                      true,
                      LossFunction.MEAN_SQUARED,
                      OptimizerConfig.constant(2e-4)
                          .withWarmupSteps(5000)
                          .withClipNorm(1)
                          .withEmaDecay(0.9999),
                      Precision.FP32,
                      0,
                      new Intervals(5000, 5000)),
                  Recipe.Length.ofSteps(),
                  false),
              new Recipe(
                  Size.SMALL,
                  598_417,
                  small(new NetworkConfig.DdpmUnet(16, List.of(1, 2, 4), 4, 1000), 28, 1)
                      .withOptimizer(OptimizerConfig.cosine(2e-3)),
                  Recipe.Length.ofMinutes(15),
                  true)));

  /** A U-Net with batch normalization on 64x64 colour pictures. */
  static final Preset SIMPLE_UNET =
      new Preset(
          "simple-unet",
          "a U-Net with batch normalization, for colour pictures of 64x64",
          Fit.STRETCH,
          Clamp.STATE,
          List.of(
              new Recipe(
                  Size.FULL,
                  62_438_883,
                  new TrainingConfig(
                      new ModelConfig(
                          NetworkConfig.SimpleUnet.defaults(),
                          64,
                          64,
                          3,
                          300,
                          BetaSchedule.linear(),
                          Prediction.EPSILON),
                      1,
                      150,
                      true,
                      LossFunction.L1,
                      OptimizerConfig.constant(1e-3),
                      Precision.FP32,
                      0,
                      new Intervals(500, 500)),
                  Recipe.Length.ofEpochs(4000, 5),
                  false),
              new Recipe(
                  Size.SMALL,
                  3_925_395,
                  small(new NetworkConfig.SimpleUnet(List.of(16, 32, 64, 128, 256), 32), 32, 3)
                      .withHorizontalFlip(true)
                      .withLoss(LossFunction.L1),
                  Recipe.Length.ofMinutes(15),
                  false)));

  /** A U-Net without normalization on large colour pictures. */
  static final Preset EASY_UNET =
      new Preset(
          "easy-unet",
          "a U-Net of plain residual blocks, for colour pictures of 224x224",
          Fit.CENTER_CROP,
          Clamp.IMAGE,
          List.of(
              new Recipe(
                  Size.FULL,
                  27_266_499,
                  new TrainingConfig(
                      new ModelConfig(
                          NetworkConfig.EasyUnet.defaults(),
                          224,
                          224,
                          3,
                          1000,
                          BetaSchedule.linear(),
                          Prediction.EPSILON),
                      100_000,
                      16,
                      true,
                      LossFunction.MEAN_SQUARED,
                      OptimizerConfig.cosine(2e-4).withEmaDecay(0.9999),
                      Precision.FP32,
                      0,
                      new Intervals(1000, 1000)),
                  Recipe.Length.ofSteps(),
                  false),
              new Recipe(
                  Size.SMALL,
                  1_707_123,
                  small(new NetworkConfig.EasyUnet(16, List.of(1, 2, 4, 8), Activation.SILU), 32, 3)
                      .withHorizontalFlip(true)
                      .withOptimizer(OptimizerConfig.cosine(1e-3)),
                  Recipe.Length.ofMinutes(15),
                  false)));

  /** The U-Net that the DDPM paper trained on CIFAR-10. */
  static final Preset CIFAR_UNET =
      new Preset(
          "cifar-unet",
          "the DDPM paper's U-Net for CIFAR-10, for colour pictures of 32x32",
          Fit.CENTER_CROP,
          Clamp.IMAGE,
          List.of(
              new Recipe(
                  Size.FULL,
                  35_746_307,
                  new TrainingConfig(
                      new ModelConfig(
                          NetworkConfig.CifarUnet.defaults(),
                          32,
                          32,
                          3,
                          1000,
                          BetaSchedule.linear(),
                          Prediction.EPSILON),
                      800_000,
                      128,
                      true,
                      LossFunction.MEAN_SQUARED,
                      OptimizerConfig.constant(2e-4)
                          .withWarmupSteps(5000)
                          .withClipNorm(1)
                          .withEmaDecay(0.9999),
                      Precision.FP32,
                      0,
                      new Intervals(5000, 5000)),
                  Recipe.Length.ofSteps(),
                  false),
              new Recipe(
                  Size.SMALL,
                  2_245_763,
                  small(new NetworkConfig.CifarUnet(List.of(32, 64, 64, 64), 8, 0), 32, 3)
                      .withHorizontalFlip(true)
                      .withOptimizer(OptimizerConfig.cosine(1e-3)),
                  Recipe.Length.ofMinutes(15),
                  false)));

  /** What the small sizes have in common: v prediction, cosine betas, many small steps. */
  private static TrainingConfig small(NetworkConfig network, int side, int channels) {
    ModelConfig model = ModelConfig.defaults().withNetwork(network).withImage(side, side, channels);
    return TrainingConfig.defaults().withModel(model);
  }

  private Presets() {}

  static final List<Preset> ALL = List.of(MNIST, DDPM_UNET, SIMPLE_UNET, EASY_UNET, CIFAR_UNET);

  /** The one of that name. */
  static Preset named(String name) {
    return ALL.stream()
        .filter(preset -> preset.name().equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "'%s' is not a preset: expected one of %s".formatted(name, names())));
  }

  static String names() {
    return ALL.stream().map(Preset::name).collect(Collectors.joining(", "));
  }

  /** A line for each recipe, for people. */
  static List<String> table() {
    List<String> lines = new ArrayList<>();
    for (Preset preset : ALL) {
      for (Recipe recipe : preset.recipes()) {
        ModelConfig model = recipe.training().model();
        lines.add(
            "  %-12s %-6s %,12d parameters, %s, batches of %d"
                .formatted(
                    preset.name(),
                    preset.recipes().size() == 1
                        ? ""
                        : recipe.size().name().toLowerCase(Locale.ROOT),
                    recipe.parameters(),
                    Preset.shape(model),
                    recipe.training().batchSize()));
      }
    }
    return lines;
  }
}
