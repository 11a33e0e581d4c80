package dev.gatun.examples.figure;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.ddpm.data.ImageShape;
import dev.gatun.ddpm.data.ImageSheet;
import dev.gatun.ddpm.data.InMemoryImages;
import dev.gatun.ddpm.diffusion.BetaSchedule;
import dev.gatun.ddpm.diffusion.NoiseSchedule;
import dev.gatun.ddpm.diffusion.SinusoidalEmbedding;
import dev.gatun.runtime.memory.DeviceArena;
import dev.gatun.runtime.op.Backend;
import dev.gatun.runtime.op.Backends;
import java.awt.image.BufferedImage;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What the figures show: their numbers, and where in the picture they are. */
class FigureTest {
  private static final int WHITE = 0xffffff;

  @AfterEach
  void everyArenaIsClosed() {
    assertEquals(0, DeviceArena.openArenas());
  }

  private static int rgb(BufferedImage picture, int x, int y) {
    return picture.getRGB(x, y) & 0xffffff;
  }

  @Test
  void theScheduleFigureHoldsTheSchedules() {
    NoiseSchedule linear = NoiseSchedule.of(BetaSchedule.linear(), 300);
    NoiseSchedule cosine = NoiseSchedule.of(BetaSchedule.cosine(), 50);
    ScheduleFigure figure =
        ScheduleFigure.of(
            List.of(new ScheduleFigure.Named("a", linear), new ScheduleFigure.Named("b", cosine)));
    assertEquals(List.of("a", "b"), figure.betas().curves().stream().map(c -> c.name()).toList());
    double[] betas = figure.betas().curves().get(0).y();
    assertEquals(300, betas.length);
    assertEquals(1e-4, betas[0], 1e-12);
    assertEquals(0.02, betas[299], 1e-12);
    double product = 1;
    for (int t = 0; t < 300; t++) {
      product *= 1 - betas[t];
      assertEquals(t, figure.alphaBars().curves().get(0).x()[t]);
      assertEquals(product, figure.alphaBars().curves().get(0).y()[t], 1e-12);
      assertEquals(product / (1 - product), figure.ratios().curves().get(0).y()[t], 1e-9);
    }
    assertEquals(50, figure.ratios().curves().get(1).y().length);
    BufferedImage picture = figure.render();
    assertEquals(3 * 560, picture.getWidth());
    for (int panel = 0; panel < 3; panel++) {
      BufferedImage part = picture.getSubimage(panel * 560, 0, 560, 460);
      assertTrue(count(part, 0x1f77b4) > 100, "the first curve in panel " + panel);
      assertTrue(count(part, 0xd62728) > 100, "the second curve in panel " + panel);
    }
  }

  private static int count(BufferedImage picture, int rgb) {
    int count = 0;
    for (int y = 0; y < picture.getHeight(); y++) {
      for (int x = 0; x < picture.getWidth(); x++) {
        count += rgb(picture, x, y) == rgb ? 1 : 0;
      }
    }
    return count;
  }

  @Test
  void theEmbeddingFigureHoldsSinesCosinesAndTheirProducts() {
    EmbeddingFigure figure = EmbeddingFigure.of(SinusoidalEmbedding.INTERLEAVED, 50, 128);
    double[][] values = figure.embeddings().values();
    double[][] products = figure.products().values();
    assertEquals(50, values.length);
    for (int t = 0; t < 50; t += 7) {
      for (int i = 0; i < 128; i++) {
        double angle = t / Math.pow(10_000, (i / 2) / 64.0);
        double expected = i % 2 == 0 ? Math.sin(angle) : Math.cos(angle);
        assertEquals(expected, values[t][i], 1e-5, "step " + t + ", number " + i);
      }
      assertEquals(64, products[t][t], 1e-4, "64 times sin^2 + cos^2");
      for (int s = 0; s < 50; s++) {
        double sum = 0;
        for (int k = 0; k < 64; k++) {
          sum += Math.cos((t - s) / Math.pow(10_000, k / 64.0));
        }
        assertEquals(sum, products[t][s], 1e-3, "a function of the distance");
      }
    }
    BufferedImage picture = figure.render();
    assertEquals(ColourMap.rgb(0.5), rgb(picture, HeatMap.LEFT + 4, HeatMap.TOP + 4), "sin 0");
    assertEquals(ColourMap.rgb(1), rgb(picture, HeatMap.LEFT + 13, HeatMap.TOP + 4), "cos 0");
  }

  @Test
  void aHeatMapPaintsEachNumberInItsPlace() {
    double[][] values = {{0, 1, 2}, {3, 4, 10}};
    BufferedImage picture = HeatMap.of("Title", "x", "y", values).render(20);
    for (int row = 0; row < 2; row++) {
      for (int column = 0; column < 3; column++) {
        int expected = ColourMap.rgb(values[row][column] / 10);
        int left = HeatMap.LEFT + 20 * column;
        int top = HeatMap.TOP + 20 * row;
        assertEquals(expected, rgb(picture, left, top));
        assertEquals(expected, rgb(picture, left + 19, top + 19));
      }
    }
    int bar = HeatMap.LEFT + 60 + 25;
    assertEquals(ColourMap.rgb(1), rgb(picture, bar, HeatMap.TOP), "the bar's top is the most");
    assertEquals(ColourMap.rgb(0), rgb(picture, bar, HeatMap.TOP + 39), "its end the least");
    assertTrue(count(picture, 0) > 50, "labels");
    assertEdgesAreWhite(picture);
  }

  /** Nothing is cut off at the edge. */
  private static void assertEdgesAreWhite(BufferedImage picture) {
    for (int x = 0; x < picture.getWidth(); x++) {
      assertEquals(WHITE, rgb(picture, x, 0));
      assertEquals(WHITE, rgb(picture, x, picture.getHeight() - 1));
    }
    for (int y = 0; y < picture.getHeight(); y++) {
      assertEquals(WHITE, rgb(picture, 0, y));
      assertEquals(WHITE, rgb(picture, picture.getWidth() - 1, y));
    }
  }

  @Test
  void coloursRunFromDarkToLight() {
    assertEquals(0x440154, ColourMap.rgb(0));
    assertEquals(0x21918c, ColourMap.rgb(0.5));
    assertEquals(0xfde725, ColourMap.rgb(1));
    assertEquals(0x440154, ColourMap.rgb(-3));
    assertEquals(0xfde725, ColourMap.rgb(7));
    assertNotEquals(ColourMap.rgb(0.3), ColourMap.rgb(0.31));
  }

  @Test
  void ticksAreRoundNumbers() {
    assertEquals(1, Drawing.tickStep(7, 14));
    assertEquals(5, Drawing.tickStep(49, 14));
    assertEquals(10, Drawing.tickStep(127, 14));
    assertEquals(100, Drawing.tickStep(999, 14));
    assertEquals(200, Drawing.tickStep(999, 6));
  }

  @Test
  void siluIsWhatTheFormulaSays() {
    try (Backend backend = Backends.open("cpu")) {
      LineFigure figure = ActivationFigure.silu(backend);
      LineFigure.Curve curve = figure.curves().getFirst();
      assertEquals(-5, curve.x()[0], 1e-6);
      assertEquals(5, curve.x()[curve.x().length - 1], 1e-6);
      for (int i = 0; i < curve.x().length; i++) {
        double x = curve.x()[i];
        assertEquals(x / (1 + Math.exp(-x)), curve.y()[i], 1e-5);
      }
    }
  }

  @Test
  void theForwardFigureEndsInNoise() {
    ImageShape shape = new ImageShape(32, 32, 3);
    byte[] gray = new byte[shape.values()];
    byte[] white = new byte[shape.values()];
    Arrays.fill(gray, (byte) 128);
    Arrays.fill(white, (byte) 255);
    var images = new InMemoryImages("two", shape, List.of(gray, white));
    NoiseSchedule schedule = NoiseSchedule.of(BetaSchedule.linear(), 1000);
    ForwardFigure figure;
    try (Backend backend = Backends.open("cpu")) {
      figure = ForwardFigure.of(backend, images, 0, 2, schedule, 5);
    }
    assertArrayEquals(
        new int[] {0, 100, 200, 300, 400, 500, 600, 700, 800, 900}, figure.timesteps());
    int values = shape.values();
    for (int k = 0; k < 10; k++) {
      for (int row = 0; row < 2; row++) {
        double sum = 0;
        double squares = 0;
        for (int i = 0; i < values; i++) {
          double x = figure.stations()[k][row * values + i];
          sum += x;
          squares += x * x;
        }
        double mean = sum / values;
        double deviation = Math.sqrt(squares / values - mean * mean);
        double image = 2 * (row == 0 ? 128 : 255) / 255.0 - 1;
        // six standard errors of 3,072 numbers
        double noise = schedule.noise(100 * k);
        assertEquals(schedule.signal(100 * k) * image, mean, 6 * noise / 55);
        assertEquals(noise, deviation, 6 * noise / 78);
      }
    }
    assertNotEquals(
        figure.stations()[9][0] - figure.stations()[8][0],
        figure.stations()[9][values] - figure.stations()[8][values],
        "each image has noise of its own");
    BufferedImage picture = figure.render("linear");
    assertEquals(ImageSheet.GUTTER + 10 * (96 + ImageSheet.GUTTER), picture.getWidth());
  }

  @Test
  void aStripPutsWaysInRowsAndStationsInColumns() {
    ImageShape shape = new ImageShape(2, 2, 1);
    float[][] stations = new float[3][2 * shape.values()];
    for (int column = 0; column < 3; column++) {
      for (int row = 0; row < 2; row++) {
        for (int i = 0; i < 4; i++) {
          stations[column][row * 4 + i] = (10 * (2 * column + row)) / 127.5f - 1;
        }
      }
    }
    BufferedImage picture =
        new Strip("A title", List.of("one", "two", "three")).render(stations, shape, 2, 30);
    for (int column = 0; column < 3; column++) {
      for (int row = 0; row < 2; row++) {
        int x = Strip.left(shape, 30, column) + 30;
        int y = 32 + ImageSheet.GUTTER + row * (60 + ImageSheet.GUTTER) + 30;
        assertEquals(10 * (2 * column + row), rgb(picture, x, y) & 255);
      }
    }
    assertTrue(count(picture.getSubimage(0, 0, picture.getWidth(), 30), WHITE) > 0);
    assertTrue(
        count(picture.getSubimage(0, 0, picture.getWidth(), 30), WHITE) < 30 * picture.getWidth(),
        "a title");
  }
}
