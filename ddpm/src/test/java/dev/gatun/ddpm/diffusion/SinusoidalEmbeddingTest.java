package dev.gatun.ddpm.diffusion;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.ddpm.GoldenFile;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class SinusoidalEmbeddingTest {
  private static final GoldenFile GOLDEN = new GoldenFile("embeddings.safetensors");

  @ParameterizedTest
  @EnumSource
  void agreesWithPytorch(SinusoidalEmbedding embedding) {
    String name = embedding.name().toLowerCase(Locale.ROOT);
    double[] expected = GOLDEN.values(name);
    int steps = GOLDEN.shape(name)[0];
    int width = GOLDEN.shape(name)[1];
    for (int t = 0; t < steps; t++) {
      // A frequency that is rounded otherwise changes the angle by t times half a unit in the last
      // place.
      double tolerance = 1e-6 + t * 0x1p-24;
      for (int i = 0; i < width; i++) {
        double actual = embedding.value(t, i, width);
        assertEquals(expected[t * width + i], actual, tolerance, "t = " + t + ", i = " + i);
      }
    }
  }

  @Test
  void refusesOddWidths() {
    var error =
        assertThrows(
            IllegalArgumentException.class, () -> SinusoidalEmbedding.INTERLEAVED.value(0, 0, 7));
    assertTrue(error.getMessage().contains("even width of 4 or more, got 7"), error.getMessage());
  }
}
