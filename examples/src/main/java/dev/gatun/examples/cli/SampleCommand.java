package dev.gatun.examples.cli;

import dev.gatun.ddpm.TrainedModel;
import dev.gatun.ddpm.data.ImageSheet;
import dev.gatun.ddpm.diffusion.ModelConfig;
import dev.gatun.ddpm.sampler.AncestralSampler;
import dev.gatun.ddpm.sampler.DdimSampler;
import dev.gatun.ddpm.sampler.Sampler;
import dev.gatun.ddpm.sampler.SamplingLoop;
import dev.gatun.ddpm.training.ModelFile;
import dev.gatun.runtime.op.Backend;
import dev.gatun.runtime.op.Backends;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

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
  private static final int DDIM_STEPS = 50;
  private static final int DDPM_STEPS = 200;

  /** The ways from noise to an image. */
  enum Kind {
    DDPM,
    DDIM
  }

  @ArgGroup(multiplicity = "1")
  private Source source = new Source();

  /** One or the other. */
  private static final class Source {
    @Parameters(
        index = "0",
        arity = "1",
        paramLabel = "PRESET",
        converter = Preset.Converter.class,
        description = "With the weights that travel with this program: mnist.")
    private @Nullable Preset preset;

    @Option(
        names = "--run",
        paramLabel = "DIR",
        description = "With the weights of a training run.")
    private @Nullable Path run;
  }

  @Option(
      names = "--count",
      paramLabel = "N",
      defaultValue = "64",
      description = "How many images (default: ${DEFAULT-VALUE}).")
  private int count = 64;

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
          "Evaluations of the network per image; the default is 200 for ddpm, 50 for ddim.")
  private @Nullable Integer steps;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "0",
      description = "Image i depends on the seed and i alone (default: ${DEFAULT-VALUE}).")
  private long seed;

  @Mixin private final DeviceName device = new DeviceName();

  @Option(
      names = "--out",
      required = true,
      paramLabel = "FILE.png",
      description = "The picture to write.")
  private Path out = Path.of("samples.png");

  @Override
  public Integer call() throws IOException {
    requireSense();
    requireFolder();
    try (WeightsFile weights = weights()) {
      Sampler sampler = sampler(ModelFile.readConfig(weights.path()));
      try (Backend backend = Backends.open(device.name());
          TrainedModel model = TrainedModel.open(backend, weights.path())) {
        long start = System.nanoTime();
        float[] images = draw(backend, model, sampler);
        ImageSheet.writePng(out, ImageSheet.render(images, Preset.shape(model.config()), count));
        System.err.printf(
            "%s: %,d images of seed %d by %s, in %.1f s%n",
            out, count, seed, sampler.describe(), (System.nanoTime() - start) * 1e-9);
      }
    }
    return 0;
  }

  private float[] draw(Backend backend, TrainedModel model, Sampler sampler) {
    try (var loop = new SamplingLoop(backend, model.network(), model.config(), sampler);
        var line = new PercentLine("Drawing")) {
      return loop.draw(seed, 0, count, line::show);
    }
  }

  private Sampler sampler(ModelConfig model) {
    int all = model.diffusionSteps();
    if (steps != null && steps > all) {
      throw new IllegalArgumentException(
          "--steps %,d: the network was trained for %,d steps: give at most that"
              .formatted(steps, all));
    }
    return switch (kind) {
      case DDPM -> AncestralSampler.of(steps != null ? steps : Math.min(DDPM_STEPS, all));
      case DDIM -> DdimSampler.of(steps != null ? steps : Math.min(DDIM_STEPS, all));
    };
  }

  private WeightsFile weights() throws IOException {
    if (source.run != null) {
      return WeightsFile.of(new RunFolder(source.run));
    }
    Preset preset = source.preset;
    if (preset == null) {
      throw new UsageException("expected a preset or --run DIR");
    }
    return WeightsFile.of(preset);
  }

  private void requireSense() {
    if (count < 1 || count > MOST) {
      throw new UsageException("--count: expected 1 to %,d".formatted(MOST));
    }
    if (steps != null && steps < 1) {
      throw new UsageException("--steps: expected 1 or more");
    }
    if (!out.toString().toLowerCase(Locale.ROOT).endsWith(".png")) {
      throw new UsageException("--out %s: expected a name that ends in .png".formatted(out));
    }
  }

  /** Finds out before the drawing that the picture cannot be written. */
  private void requireFolder() throws IOException {
    Path folder = out.toAbsolutePath().getParent();
    if (Files.isDirectory(out)) {
      throw new IOException(out + ": is a folder, expected the name of a picture");
    }
    if (folder == null || !Files.isDirectory(folder)) {
      throw new IOException(
          "%s: cannot be written, there is no folder %s: make it first".formatted(out, folder));
    }
    if (!Files.isWritable(folder)) {
      throw new IOException(
          "%s: cannot be written: check the permissions of %s".formatted(out, folder));
    }
  }
}
