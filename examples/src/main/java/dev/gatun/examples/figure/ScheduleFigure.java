package dev.gatun.examples.figure;

import dev.gatun.ddpm.diffusion.NoiseSchedule;
import java.awt.image.BufferedImage;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;

/**
 * Noise schedules side by side: beta_t, alphaBar_t, and the signal-to-noise ratio alphaBar_t / (1 -
 * alphaBar_t); the first and the last on a logarithmic axis.
 *
 * @param betas beta_t against t
 * @param alphaBars alphaBar_t against t
 * @param ratios alphaBar_t / (1 - alphaBar_t) against t
 */
public record ScheduleFigure(LineFigure betas, LineFigure alphaBars, LineFigure ratios) {
  private static final int WIDTH = 560;
  private static final int HEIGHT = 460;

  /**
   * A schedule and what people call it.
   *
   * @param name in the legend
   * @param schedule its numbers
   */
  public record Named(String name, NoiseSchedule schedule) {}

  /** The figure of these schedules, at least one. */
  public static ScheduleFigure of(List<Named> schedules) {
    List<LineFigure.Curve> betas = new ArrayList<>();
    List<LineFigure.Curve> alphaBars = new ArrayList<>();
    List<LineFigure.Curve> ratios = new ArrayList<>();
    for (Named named : schedules) {
      NoiseSchedule schedule = named.schedule();
      betas.add(curve(named, schedule::beta));
      alphaBars.add(curve(named, schedule::alphaBar));
      ratios.add(curve(named, schedule::signalToNoise));
    }
    return new ScheduleFigure(
        new LineFigure("Variance of each step", "t", "beta", true, betas),
        new LineFigure("What is left of the image", "t", "alpha-bar", false, alphaBars),
        new LineFigure("Signal to noise", "t", "alpha-bar / (1 - alpha-bar)", true, ratios));
  }

  private static LineFigure.Curve curve(Named named, IntToDoubleFunction value) {
    int steps = named.schedule().steps();
    return new LineFigure.Curve(
        named.name(),
        IntStream.range(0, steps).asDoubleStream().toArray(),
        IntStream.range(0, steps).mapToDouble(value).toArray());
  }

  /** The three panels in a row. */
  public BufferedImage render() {
    return Drawing.beside(
        List.of(
            betas.render(WIDTH, HEIGHT),
            alphaBars.render(WIDTH, HEIGHT),
            ratios.render(WIDTH, HEIGHT)));
  }
}
