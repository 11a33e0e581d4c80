package dev.gatun.examples.cli;

import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Which weights images are drawn with: exactly one of the three. */
final class WeightsOption {
  @Parameters(
      index = "0",
      arity = "1",
      paramLabel = "PRESET",
      converter = Preset.Converter.class,
      description = "With the weights that travel with this program: mnist.")
  private @Nullable Preset preset;

  @Option(names = "--run", paramLabel = "DIR", description = "With the weights of a training run.")
  private @Nullable Path run;

  @Option(
      names = "--weights",
      paramLabel = "FILE",
      description = "With the weights of a file that a training run has written.")
  private @Nullable Path weights;

  /** Finds the weights. */
  WeightsFile open() throws IOException {
    if (run != null) {
      return WeightsFile.of(new RunFolder(run));
    }
    if (weights != null) {
      return WeightsFile.of(weights);
    }
    if (preset == null) {
      throw new UsageException("expected a preset, --run DIR or --weights FILE");
    }
    return WeightsFile.of(preset);
  }
}
