package dev.gatun.runtime.onednn.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.junit.jupiter.api.Test;

final class SineTermsTest {

  @Test
  void agreesWithTheLibrary() {
    Random random = new Random(5);
    for (int i = 0; i < 200_000; i++) {
      float z = (float) (random.nextGaussian() * Math.pow(10, random.nextInt(8) - 3));
      assertEquals(StrictMath.sin(z), SineTerms.of(z, 0), 6.1e-8, "sin " + z);
      assertEquals(StrictMath.cos(z), SineTerms.of(z, 1), 6.1e-8, "cos " + z);
    }
  }

  @Test
  void hasTheEdges() {
    assertEquals(0f, SineTerms.of(0f, 0));
    assertEquals(1f, SineTerms.of(0f, 1));
    assertTrue(Float.isNaN(SineTerms.of(Float.NaN, 0)));
    assertTrue(Float.isNaN(SineTerms.of(Float.POSITIVE_INFINITY, 1)));
  }
}
