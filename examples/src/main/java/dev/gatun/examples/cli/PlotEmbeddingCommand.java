package dev.gatun.examples.cli;

import dev.gatun.ddpm.diffusion.SinusoidalEmbedding;
import dev.gatun.examples.figure.EmbeddingFigure;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code gatun plot embedding}. */
@Command(
    name = "embedding",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    usageHelpAutoWidth = true,
    description =
        "Draws the sinusoidal embeddings of the first steps as colours, and their dot products.",
    footerHeading = "%nExample:%n",
    footer = "  ./gatun plot embedding --width 128 --steps 50 --out embedding.png")
final class PlotEmbeddingCommand implements Callable<Integer> {
  private static final int MOST = 2_000;

  @Option(
      names = "--width",
      paramLabel = "N",
      defaultValue = "128",
      description = "Numbers that a step becomes, even (default: ${DEFAULT-VALUE}).")
  private int width = 128;

  @Option(
      names = "--steps",
      paramLabel = "N",
      defaultValue = "50",
      description = "How many steps, from 0 (default: ${DEFAULT-VALUE}).")
  private int steps = 50;

  @Option(
      names = "--layout",
      paramLabel = "interleaved|concatenated",
      defaultValue = "interleaved",
      description =
          "Sines and cosines in turn, as the DDPM U-Net has them (the default), or all sines first,"
              + " as SimpleUnet has them.")
  private SinusoidalEmbedding layout = SinusoidalEmbedding.INTERLEAVED;

  @Mixin private final PictureOption out = new PictureOption();

  @Override
  public Integer call() throws IOException {
    if (width < 4 || width > MOST || width % 2 != 0) {
      throw new UsageException("--width: expected an even number of 4 to %,d".formatted(MOST));
    }
    if (steps < 2 || steps > MOST) {
      throw new UsageException("--steps: expected 2 to %,d".formatted(MOST));
    }
    out.require();
    out.write(
        EmbeddingFigure.of(layout, steps, width).render(),
        "%d steps of %d numbers".formatted(steps, width));
    return 0;
  }
}
