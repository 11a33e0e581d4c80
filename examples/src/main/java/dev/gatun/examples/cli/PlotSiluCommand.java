package dev.gatun.examples.cli;

import dev.gatun.examples.figure.ActivationFigure;
import dev.gatun.runtime.op.Backend;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code gatun plot silu}. */
@Command(
    name = "silu",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    usageHelpAutoWidth = true,
    description = "Draws the activation SiLU, x sigmoid(x), on [-5, 5], as the device computes it.",
    footerHeading = "%nExample:%n",
    footer = "  ./gatun plot silu --out silu.png")
final class PlotSiluCommand implements Callable<Integer> {
  private static final int WIDTH = 720;
  private static final int HEIGHT = 480;

  @Mixin private final DeviceName device = new DeviceName();

  @Mixin private final PictureOption out = new PictureOption();

  @Override
  public Integer call() throws IOException {
    out.require();
    try (Backend backend = device.open()) {
      out.write(ActivationFigure.silu(backend).render(WIDTH, HEIGHT), "SiLU on [-5, 5]");
    }
    return 0;
  }
}
