package dev.gatun.examples.cli;

import dev.gatun.ddpm.data.ImageDataset;
import dev.gatun.ddpm.diffusion.Denoiser;
import dev.gatun.ddpm.sampler.AncestralSampler;
import dev.gatun.ddpm.sampler.Clamp;
import dev.gatun.ddpm.sampler.Sampler;
import dev.gatun.ddpm.sampler.SamplingLoop;
import dev.gatun.ddpm.training.Trainer;
import dev.gatun.ddpm.training.TrainingConfig;
import dev.gatun.ddpm.unet.Networks;
import dev.gatun.examples.figure.ReverseFigure;
import dev.gatun.nn.autograd.Parameter;
import dev.gatun.runtime.op.Backend;
import java.util.Locale;

/** A network in training, and sheets of samples of it on the way. */
final class TrainingSession implements AutoCloseable {
  private final Backend backend;
  private final Denoiser network;
  private final Trainer trainer;
  private final TrainingConfig config;
  private final int stepsPerEpoch;

  TrainingSession(Backend backend, ImageDataset data, TrainingConfig config) {
    this.backend = backend;
    this.config = config;
    this.stepsPerEpoch = Math.max(1, data.size() / config.batchSize());
    this.network = Networks.create(backend, config.model(), config.seed());
    try {
      this.trainer = new Trainer(backend, network, data, config);
    } catch (RuntimeException | Error e) {
      network.close();
      throw e;
    }
  }

  Trainer trainer() {
    return trainer;
  }

  /** {@code simple-unet, 64x64x3: 62,438,883 parameters}. */
  String describe() {
    long count =
        network.parameters().parameters().stream()
            .filter(Parameter::isTrainable)
            .mapToLong(parameter -> parameter.value().elements())
            .sum();
    return "%s, %s: %,d parameters, %s"
        .formatted(
            config.model().network().name(),
            Preset.shape(config.model()),
            count,
            config.precision().name().toLowerCase(Locale.ROOT));
  }

  /** {@code epoch 5, step 1,200}: how far the training is. */
  String when() {
    return "epoch %,d, step %,d"
        .formatted(trainer.stepsDone() / stepsPerEpoch, trainer.stepsDone());
  }

  /** Two steps find out what memory a third takes, which is captured. */
  private static final int REHEARSED = 3;

  /** What is to be drawn, and how carefully. */
  record Sheet(int count, int steps) {}

  /**
   * Samples of the averaged weights, with the way that they came.
   *
   * @throws StopSignal.StoppedException as soon as {@code stop} is asked for
   */
  ReverseFigure draw(Sheet sheet, Clamp clamp, StopSignal stop) {
    int steps = SamplerOption.ancestralSteps(sheet.steps(), config.model().diffusionSteps());
    Sampler sampler = AncestralSampler.of(steps).withClamp(clamp);
    try (var averaged = trainer.averagedWeights();
        var sampling =
            new SamplingLoop(
                backend, network, config.model(), sampler, config.precision().activations())) {
      return ReverseFigure.of(
          sampling,
          sampler,
          config.model(),
          config.seed(),
          sheet.count(),
          (done, total) -> stop.check());
    }
  }

  /**
   * Takes what {@link #draw} takes of the device's memory, in as few steps as that needs: each
   * sheet is of the same kernels, and its samples are drawn a micro batch at a time.
   */
  static void rehearse(Backend backend, Denoiser network, Trainer trainer) {
    TrainingConfig config = trainer.config();
    int steps = Math.min(REHEARSED, config.model().diffusionSteps());
    try (var averaged = trainer.averagedWeights();
        var sampling =
            new SamplingLoop(
                backend,
                network,
                config.model(),
                AncestralSampler.of(steps),
                config.precision().activations())) {
      sampling.draw(config.seed(), 0, 1);
    }
  }

  @Override
  public void close() {
    trainer.close();
    network.close();
  }
}
