package dev.gatun.examples.cli;

import dev.gatun.ddpm.data.ImageDataset;
import dev.gatun.ddpm.data.ImageShape;
import dev.gatun.ddpm.diffusion.BetaSchedule;
import dev.gatun.ddpm.diffusion.NoiseSchedule;
import dev.gatun.examples.figure.ForwardFigure;
import dev.gatun.runtime.op.Backend;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code gatun plot forward}. */
@Command(
    name = "forward",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    usageHelpAutoWidth = true,
    description = "Draws pictures at ten noise levels, from the picture to noise.",
    footerHeading = "%nExamples:%n",
    footer = {
      "  ./gatun plot forward --out forward.png",
      "  ./gatun plot forward --data ~/pictures --steps 300 --schedule linear --out forward.png"
    })
final class PlotForwardCommand implements Callable<Integer> {
  private static final int MOST_STEPS = 100_000;
  private static final int MOST_ROWS = 100;

  @Option(
      names = "--data",
      paramLabel = "PATH",
      description = "A folder of pictures or an IDX file; the default is the digits.")
  private @Nullable Path data;

  @Option(
      names = "--image",
      paramLabel = "HxWxC",
      converter = ImageShapeConverter.class,
      description =
          "The shape that pictures are brought to; the default is 64x64x3 for a folder of pictures,"
              + " their own for an IDX file.")
  private @Nullable ImageShape image;

  @Option(
      names = "--first",
      paramLabel = "N",
      defaultValue = "0",
      description = "The first picture, from 0 (default: ${DEFAULT-VALUE}).")
  private int first;

  @Option(
      names = "--count",
      paramLabel = "N",
      defaultValue = "3",
      description = "How many pictures, a row for each (default: ${DEFAULT-VALUE}).")
  private int count = 3;

  @Option(
      names = "--schedule",
      paramLabel = "NAME",
      defaultValue = "linear",
      converter = ScheduleName.Converter.class,
      description =
          "linear, linear:FIRST:LAST, cosine or cosine:OFFSET (default: ${DEFAULT-VALUE}).")
  private ScheduleName schedule = new ScheduleName("linear", BetaSchedule.linear());

  @Option(
      names = "--steps",
      paramLabel = "T",
      defaultValue = "1000",
      description = "Steps of the diffusion (default: ${DEFAULT-VALUE}).")
  private int steps = 1000;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "0",
      description = "Of the noise (default: ${DEFAULT-VALUE}).")
  private long seed;

  @Mixin private final DeviceName device = new DeviceName();

  @Mixin private final PictureOption out = new PictureOption();

  @Override
  public Integer call() throws IOException {
    if (steps < 1 || steps > MOST_STEPS) {
      throw new UsageException("--steps: expected 1 to %,d".formatted(MOST_STEPS));
    }
    if (count < 1 || count > MOST_ROWS) {
      throw new UsageException("--count: expected 1 to %,d".formatted(MOST_ROWS));
    }
    out.require();
    ImageDataset images =
        data == null ? DataSource.digits(image) : DataSource.pictures(data, image);
    if (first < 0 || first > images.size() - count) {
      throw new IllegalArgumentException(
          "--first %d --count %d: the data have the pictures 0 to %,d (%s)"
              .formatted(first, count, images.size() - 1, images.describe()));
    }
    try (Backend backend = device.open()) {
      NoiseSchedule noise = NoiseSchedule.of(schedule.betas(), steps);
      String name = "%s, T = %d".formatted(schedule.text(), steps);
      out.write(
          ForwardFigure.of(backend, images, first, count, noise, seed).render(name),
          "%d of %s; %s".formatted(count, images.describe(), name));
    }
    return 0;
  }
}
