package dev.gatun.examples;

import dev.gatun.ddpm.data.Datasets;
import dev.gatun.ddpm.data.ImageSheet;
import dev.gatun.ddpm.data.ImageTransform;
import dev.gatun.ddpm.sampler.AncestralSampler;
import dev.gatun.ddpm.sampler.SamplingLoop;
import dev.gatun.ddpm.training.Trainer;
import dev.gatun.ddpm.training.TrainingConfig;
import dev.gatun.ddpm.unet.Networks;
import dev.gatun.runtime.op.Backends;
import java.io.IOException;
import java.nio.file.Path;

/** Trains a small U-Net on a folder of pictures or an IDX file, and draws a sheet of samples. */
public final class TrainDigits {
  public static void main(String[] args) throws IOException {
    var images = Datasets.open(Path.of(args[0]), ImageTransform.square(28, 1));
    var config = TrainingConfig.defaults().withSteps(200);
    try (var backend = Backends.open("auto");
        var network = Networks.create(backend, config.model(), config.seed());
        var trainer = new Trainer(backend, network, images, config)) {
      while (trainer.stepsDone() < config.steps()) {
        var report = trainer.step();
        System.out.printf("step %d: loss %.4f%n", report.step(), report.loss());
      }
      trainer.writeModel(Path.of("model.safetensors"));

      try (var _ = trainer.averagedWeights();
          var sampling =
              new SamplingLoop(backend, network, config.model(), AncestralSampler.of(100))) {
        float[] samples = sampling.draw(config.seed(), 0, 16);
        ImageSheet.writePng(Path.of("samples.png"), ImageSheet.render(samples, images.shape(), 16));
      }
    }
  }
}
