package dev.gatun.examples.cli;

import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Which weights images are drawn with. */
final class WeightsOption {
  @Parameters(
      index = "0",
      arity = "0..1",
      paramLabel = "PRESET",
      converter = Preset.Converter.class,
      description =
          "With the weights that travel with this program (mnist has some); or what the --weights"
              + " of other programs are weights of.")
  private @Nullable Preset preset;

  @Option(
      names = "--size",
      paramLabel = "full|small",
      description = "Of the preset's network, for --weights of other programs.")
  private Size size = Size.FULL;

  @ArgGroup private @Nullable Source source;

  /** One or the other. */
  private static final class Source {
    @Option(
        names = "--run",
        paramLabel = "DIR",
        description = "With the weights of a training run.")
    private @Nullable Path run;

    @Option(
        names = "--weights",
        paramLabel = "FILE",
        description =
            "With the weights of a file, .safetensors or .pth; a PRESET says what they are of where"
                + " the file does not.")
    private @Nullable Path weights;
  }

  /** Finds the weights. */
  WeightsFile open() throws IOException {
    if (source != null && source.run != null) {
      if (preset != null) {
        throw new UsageException("PRESET and --run DIR are mutually exclusive: give one of them");
      }
      return WeightsFile.of(new RunFolder(source.run));
    }
    if (source != null && source.weights != null) {
      return WeightsFile.of(
          source.weights, preset, preset == null ? null : preset.recipe(size).training().model());
    }
    if (preset == null) {
      throw new UsageException("expected a preset, --run DIR or --weights FILE");
    }
    return WeightsFile.of(preset);
  }
}
