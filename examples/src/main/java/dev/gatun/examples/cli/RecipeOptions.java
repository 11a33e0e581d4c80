package dev.gatun.examples.cli;

import dev.gatun.ddpm.data.ImageShape;
import dev.gatun.ddpm.diffusion.ModelConfig;
import dev.gatun.ddpm.diffusion.Prediction;
import dev.gatun.ddpm.training.Precision;
import dev.gatun.ddpm.training.TrainingConfig;
import dev.gatun.runtime.op.LossFunction;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** What a run does otherwise than its preset says. */
final class RecipeOptions {
  @Option(names = "--batch-size", paramLabel = "N", description = "Images per step.")
  private @Nullable Integer batchSize;

  @Option(
      names = "--image",
      paramLabel = "HxWxC",
      converter = ImageShapeConverter.class,
      description = "The shape that images are brought to, 1 or 3 channels.")
  private @Nullable ImageShape image;

  @Option(
      names = "--channels",
      paramLabel = "N",
      description = "Channels of the network at the images' own size; not for mnist.")
  private @Nullable Integer channels;

  @Option(
      names = "--loss",
      paramLabel = "l1|l2|huber",
      converter = LossConverter.class,
      description = "Between what the network predicts and what it should.")
  private @Nullable LossFunction loss;

  @Option(
      names = "--prediction",
      paramLabel = "epsilon|x0|v",
      description = "What the network predicts: the noise, the image, or v, a mixture of both.")
  private @Nullable Prediction prediction;

  @Option(
      names = "--schedule",
      paramLabel = "NAME",
      converter = ScheduleName.Converter.class,
      description = "Of the noise: linear, linear:FIRST:LAST, cosine or cosine:OFFSET.")
  private @Nullable ScheduleName schedule;

  @Option(names = "--learning-rate", paramLabel = "R", description = "Adam's, at its peak.")
  private @Nullable Double learningRate;

  @Option(
      names = "--flip",
      negatable = true,
      description = "Whether images are mirrored left to right at random.")
  private @Nullable Boolean flip;

  @Option(
      names = "--sample-epochs",
      paramLabel = "N",
      description = "Epochs from one sheet of samples, and strip, to the next.")
  private @Nullable Integer sampleEpochs;

  @Option(
      names = "--precision",
      paramLabel = "fp32|tf32|bf16",
      description =
          "In which numbers the network computes; the default is bf16 where the device is faster"
              + " with it.")
  private @Nullable Precision precision;

  @Option(
      names = "--seed",
      paramLabel = "N",
      description = "Of the first weights, the data's order and the noise.")
  private @Nullable Long seed;

  @Nullable Precision precision() {
    return precision;
  }

  @Nullable Integer sampleEpochs() {
    return sampleEpochs;
  }

  /** Refuses what no run can do. */
  void requireSense() {
    require(batchSize == null || batchSize >= 1, "--batch-size: expected 1 or more");
    require(sampleEpochs == null || sampleEpochs >= 1, "--sample-epochs: expected 1 or more");
    require(
        learningRate == null || (learningRate > 0 && learningRate < Double.POSITIVE_INFINITY),
        "--learning-rate: expected more than 0");
  }

  private static void require(boolean holds, String message) {
    if (!holds) {
      throw new UsageException(message);
    }
  }

  /** The settings with what the options say instead. */
  TrainingConfig applyTo(TrainingConfig settings) {
    TrainingConfig config = settings.withModel(applyTo(settings.model()));
    if (batchSize != null) {
      config = config.withBatchSize(batchSize);
    }
    if (loss != null) {
      config = config.withLoss(loss);
    }
    if (learningRate != null) {
      config = config.withOptimizer(config.optimizer().withLearningRate(learningRate));
    }
    if (flip != null) {
      config = config.withHorizontalFlip(flip);
    }
    if (precision != null) {
      config = config.withPrecision(precision);
    }
    return seed != null ? config.withSeed(seed) : config;
  }

  private ModelConfig applyTo(ModelConfig settings) {
    ModelConfig model = settings;
    if (image != null) {
      model = model.withImage(image.height(), image.width(), image.channels());
    }
    if (channels != null) {
      model = model.withNetwork(NetworkWidth.withChannels(model.network(), channels));
    }
    if (prediction != null) {
      model = model.withPrediction(prediction);
    }
    return schedule != null ? model.withBetas(schedule.betas()) : model;
  }

  static final class LossConverter implements ITypeConverter<LossFunction> {
    @Override
    public LossFunction convert(String value) {
      return switch (value) {
        case "l1" -> LossFunction.L1;
        case "l2" -> LossFunction.MEAN_SQUARED;
        case "huber" -> LossFunction.HUBER;
        default ->
            throw new TypeConversionException(
                "'%s' is not a loss: expected l1, l2 or huber".formatted(value));
      };
    }
  }
}
