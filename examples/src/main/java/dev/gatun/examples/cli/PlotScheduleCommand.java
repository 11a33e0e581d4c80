package dev.gatun.examples.cli;

import dev.gatun.ddpm.diffusion.NoiseSchedule;
import dev.gatun.examples.figure.ScheduleFigure;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code gatun plot schedule}. */
@Command(
    name = "schedule",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    usageHelpAutoWidth = true,
    description = "Draws beta, alpha-bar and the signal-to-noise ratio of noise schedules.",
    footerHeading = "%nExamples:%n",
    footer = {
      "  ./gatun plot schedule --out schedule.png",
      "  ./gatun plot schedule --steps 300 --schedule linear,linear:1e-4:0.05 --out schedule.png"
    })
final class PlotScheduleCommand implements Callable<Integer> {
  private static final int MOST_STEPS = 100_000;

  @Option(
      names = "--schedule",
      split = ",",
      paramLabel = "NAME",
      defaultValue = "linear,cosine",
      converter = ScheduleName.Converter.class,
      description =
          "linear, linear:FIRST:LAST, cosine or cosine:OFFSET; several, joined by commas, are drawn"
              + " together (default: ${DEFAULT-VALUE}).")
  private List<ScheduleName> schedules = new ArrayList<>();

  @Option(
      names = "--steps",
      split = ",",
      paramLabel = "T",
      defaultValue = "1000",
      description = "Steps of the diffusion, several joined by commas (default: ${DEFAULT-VALUE}).")
  private List<Integer> steps = new ArrayList<>();

  @Mixin private final PictureOption out = new PictureOption();

  @Override
  public Integer call() throws IOException {
    for (int count : steps) {
      if (count < 1 || count > MOST_STEPS) {
        throw new UsageException("--steps: expected 1 to %,d".formatted(MOST_STEPS));
      }
    }
    out.require();
    List<ScheduleFigure.Named> named = new ArrayList<>();
    for (ScheduleName schedule : schedules) {
      for (int count : steps) {
        String name = steps.size() == 1 ? schedule.text() : schedule.text() + ", T = " + count;
        named.add(new ScheduleFigure.Named(name, NoiseSchedule.of(schedule.betas(), count)));
      }
    }
    out.write(
        ScheduleFigure.of(named).render(),
        String.join("; ", named.stream().map(ScheduleFigure.Named::name).toList()));
    return 0;
  }
}
