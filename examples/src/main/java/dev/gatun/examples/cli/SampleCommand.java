package dev.gatun.examples.cli;

import dev.gatun.ddpm.TrainedModel;
import dev.gatun.ddpm.data.ImageSheet;
import dev.gatun.ddpm.diffusion.ModelConfig;
import dev.gatun.ddpm.sampler.Sampler;
import dev.gatun.ddpm.sampler.SamplingLoop;
import dev.gatun.ddpm.training.Precision;
import dev.gatun.runtime.op.Backend;
import dev.gatun.runtime.tensor.DType;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code gatun sample}. */
@Command(
    name = "sample",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    usageHelpAutoWidth = true,
    description = "Draws images with trained weights, as one sheet.",
    footerHeading = "%nExamples:%n",
    footer = {
      "  ./gatun sample mnist --out digits.png",
      "  ./gatun sample --run runs/mnist --count 16 --sampler ddim --seed 7 --out samples.png"
    })
final class SampleCommand implements Callable<Integer> {
  private static final int MOST = 10_000;
  private static final int LARGEST_GROUP = 1024;

  @Mixin private final WeightsOption source = new WeightsOption();

  @Option(
      names = "--count",
      paramLabel = "N",
      defaultValue = "64",
      description = "How many images (default: ${DEFAULT-VALUE}).")
  private int count = 64;

  @Mixin private final SamplerOption way = new SamplerOption();

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "0",
      description = "Image i depends on the seed and i alone (default: ${DEFAULT-VALUE}).")
  private long seed;

  @Option(
      names = "--group",
      paramLabel = "N",
      defaultValue = "" + SamplingLoop.MICRO_BATCH,
      description =
          "Images that the network sees at a time (default: ${DEFAULT-VALUE}): as many as are drawn"
              + " where these are few, more where many are drawn on a GPU. Another group rounds"
              + " differently.")
  private int group = SamplingLoop.MICRO_BATCH;

  @Option(
      names = "--precision",
      paramLabel = "fp32|tf32|bf16",
      defaultValue = "fp32",
      description = "In which numbers the network computes (default: ${DEFAULT-VALUE}).")
  private Precision precision = Precision.FP32;

  @Mixin private final DeviceName device = new DeviceName();

  @Mixin private final PictureOption out = new PictureOption();

  @Override
  public Integer call() throws IOException {
    if (count < 1 || count > MOST) {
      throw new UsageException("--count: expected 1 to %,d".formatted(MOST));
    }
    if (group < 1 || group > LARGEST_GROUP) {
      throw new UsageException("--group: expected 1 to %,d".formatted(LARGEST_GROUP));
    }
    way.requireSense();
    out.require();
    try (WeightsFile weights = source.open()) {
      ModelConfig config = weights.config();
      Sampler sampler = way.sampler(config, weights.clamp());
      try (Backend backend = device.open();
          TrainedModel model = TrainedModel.open(backend, weights.path(), config)) {
        long start = System.nanoTime();
        backend.allowTensorFloats(precision == Precision.TF32);
        float[] images = draw(backend, model, sampler);
        out.write(
            ImageSheet.render(images, Preset.shape(model.config()), count),
            "%,d images of seed %d by %s, in %.1f s"
                .formatted(count, seed, sampler.describe(), (System.nanoTime() - start) * 1e-9));
      }
    }
    return 0;
  }

  private float[] draw(Backend backend, TrainedModel model, Sampler sampler) {
    DType compute = precision.activations();
    try (var loop =
            new SamplingLoop(backend, model.network(), model.config(), sampler, compute, group);
        var line = new PercentLine("Drawing")) {
      return loop.draw(seed, 0, count, line::show);
    }
  }
}
