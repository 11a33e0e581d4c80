package dev.gatun.examples.cli;

import dev.gatun.ddpm.data.ImageDataset;
import dev.gatun.ddpm.data.ImageShape;
import dev.gatun.ddpm.data.ImageSheet;
import dev.gatun.ddpm.diffusion.Denoiser;
import dev.gatun.ddpm.sampler.AncestralSampler;
import dev.gatun.ddpm.sampler.SamplingLoop;
import dev.gatun.ddpm.training.Trainer;
import dev.gatun.ddpm.training.TrainingConfig;
import dev.gatun.ddpm.unet.Networks;
import dev.gatun.runtime.op.Backend;
import java.awt.image.BufferedImage;

/** A network in training, and sheets of samples of it on the way. */
final class TrainingSession implements AutoCloseable {
  private final Backend backend;
  private final Denoiser network;
  private final Trainer trainer;
  private final TrainingConfig config;

  TrainingSession(Backend backend, ImageDataset data, TrainingConfig config) {
    this.backend = backend;
    this.config = config;
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

  /** What is to be drawn, and how carefully. */
  record Sheet(int count, int steps) {}

  /**
   * Samples of the averaged weights.
   *
   * @throws StopSignal.StoppedException as soon as {@code stop} is asked for
   */
  BufferedImage draw(Sheet sheet, StopSignal stop) {
    ImageShape shape = Preset.shape(config.model());
    try (var averaged = trainer.averagedWeights();
        var sampling =
            new SamplingLoop(
                backend,
                network,
                config.model().schedule(),
                config.model().prediction(),
                AncestralSampler.of(Math.min(sheet.steps(), config.model().diffusionSteps())),
                config.precision().activations())) {
      float[] images =
          sampling.draw(config.seed(), 0, sheet.count(), (done, total) -> stop.check());
      return ImageSheet.render(images, shape, sheet.count());
    }
  }

  @Override
  public void close() {
    trainer.close();
    network.close();
  }
}
