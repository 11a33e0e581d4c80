package dev.gatun.examples.figure;

import dev.gatun.ddpm.data.ImageShape;
import dev.gatun.ddpm.diffusion.ModelConfig;
import dev.gatun.ddpm.sampler.Sampler;
import dev.gatun.ddpm.sampler.SamplerStep;
import dev.gatun.ddpm.sampler.SamplingLoop;
import java.awt.image.BufferedImage;
import java.util.ArrayList;
import java.util.List;

/**
 * How samples come out of noise: their states after each tenth of a sampler's steps.
 *
 * @param shape of an image
 * @param captions t of each station; the last is the image
 * @param stations for each caption the values of the samples, HWC, one sample after the other
 */
public record ReverseFigure(ImageShape shape, List<String> captions, float[][] stations) {

  /** Draws the samples 0 to {@code count} of {@code seed}. */
  public static ReverseFigure of(
      SamplingLoop loop,
      Sampler sampler,
      ModelConfig model,
      long seed,
      int count,
      SamplingLoop.Progress progress) {
    List<SamplerStep> plan = sampler.plan(model.schedule());
    int moments = Math.min(Strip.PICTURES, plan.size());
    List<String> captions = new ArrayList<>();
    for (int k = 1; k < moments; k++) {
      captions.add("t = " + plan.get(Math.ceilDiv(k * plan.size(), moments)).t());
    }
    captions.add("image");
    ImageShape shape = new ImageShape(model.height(), model.width(), model.channels());
    return new ReverseFigure(shape, captions, loop.path(seed, 0, count, moments, progress));
  }

  /** The samples themselves: the last station. */
  public float[] images() {
    return stations[stations.length - 1];
  }

  /** The first {@code rows} samples, a row for each, from noise to image. */
  public BufferedImage render(String title, int rows) {
    return new Strip(title, captions).render(stations, shape, rows, Strip.scaleFor(shape));
  }
}
