package dev.gatun.examples.cli;

import dev.gatun.ddpm.TrainedModel;
import dev.gatun.ddpm.diffusion.ModelConfig;
import dev.gatun.ddpm.sampler.Sampler;
import dev.gatun.ddpm.sampler.SamplingLoop;
import dev.gatun.examples.figure.ReverseFigure;
import dev.gatun.runtime.op.Backend;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code gatun plot reverse}. */
@Command(
    name = "reverse",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    usageHelpAutoWidth = true,
    description = "Draws how samples come out of noise, in ten pictures each.",
    footerHeading = "%nExamples:%n",
    footer = {
      "  ./gatun plot reverse mnist --out reverse.png",
      "  ./gatun plot reverse --run runs/mnist --count 4 --out reverse.png"
    })
final class PlotReverseCommand implements Callable<Integer> {
  private static final int MOST_ROWS = 100;

  @Mixin private final WeightsOption source = new WeightsOption();

  @Option(
      names = "--count",
      paramLabel = "N",
      defaultValue = "3",
      description = "How many samples, a row for each (default: ${DEFAULT-VALUE}).")
  private int count = 3;

  @Mixin private final SamplerOption way = new SamplerOption();

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "0",
      description = "Row i depends on the seed and i alone (default: ${DEFAULT-VALUE}).")
  private long seed;

  @Mixin private final DeviceName device = new DeviceName();

  @Mixin private final PictureOption out = new PictureOption();

  @Override
  public Integer call() throws IOException {
    if (count < 1 || count > MOST_ROWS) {
      throw new UsageException("--count: expected 1 to %,d".formatted(MOST_ROWS));
    }
    way.requireSense();
    out.require();
    try (WeightsFile weights = source.open()) {
      ModelConfig config = weights.config();
      Sampler sampler = way.sampler(config, weights.clamp());
      try (Backend backend = device.open();
          TrainedModel model = TrainedModel.open(backend, weights.path(), config);
          var loop = new SamplingLoop(backend, model.network(), model.config(), sampler);
          var line = new PercentLine("Drawing")) {
        ReverseFigure figure =
            ReverseFigure.of(loop, sampler, model.config(), seed, count, line::show);
        out.write(
            figure.render("Reverse process, " + sampler.describe(), count),
            "%d samples of seed %d by %s".formatted(count, seed, sampler.describe()));
      }
    }
    return 0;
  }
}
