package dev.gatun.examples.figure;

import dev.gatun.ddpm.diffusion.SinusoidalEmbedding;
import java.awt.image.BufferedImage;
import java.util.List;

/**
 * The embeddings e_t of the steps t = 0, 1, ... as colours, and the products e_s . e_t, which fall
 * with the distance of s and t.
 *
 * @param embeddings [steps][width]
 * @param products [steps][steps]
 */
public record EmbeddingFigure(HeatMap embeddings, HeatMap products) {
  private static final int CELL = 9;
  private static final int PRODUCT_CELL = 11;
  private static final int LARGEST = 1200;

  /** The figure of the steps 0 to {@code steps} - 1, embedded as {@code width} numbers each. */
  public static EmbeddingFigure of(SinusoidalEmbedding embedding, int steps, int width) {
    double[][] values = new double[steps][width];
    for (int t = 0; t < steps; t++) {
      for (int i = 0; i < width; i++) {
        values[t][i] = embedding.value(t, i, width);
      }
    }
    double[][] products = new double[steps][steps];
    for (int s = 0; s < steps; s++) {
      for (int t = 0; t < steps; t++) {
        for (int i = 0; i < width; i++) {
          products[s][t] += values[s][i] * values[t][i];
        }
      }
    }
    return new EmbeddingFigure(
        new HeatMap("Position embeddings", "dimension", "step", values, -1, 1),
        HeatMap.of("Dot products of position embeddings", "step", "step", products));
  }

  /** The embeddings above, the products below. */
  public BufferedImage render() {
    int width = embeddings.values()[0].length;
    int steps = embeddings.values().length;
    return Drawing.below(
        List.of(
            embeddings.render(Math.clamp(LARGEST / Math.max(width, steps), 1, CELL)),
            products.render(Math.clamp(LARGEST / steps, 1, PRODUCT_CELL))));
  }
}
