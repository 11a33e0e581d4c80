package dev.gatun.ddpm.metric;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.gatun.ddpm.data.ImageShape;
import dev.gatun.ddpm.data.InMemoryImages;
import java.util.List;
import org.junit.jupiter.api.Test;

class NearestNeighboursTest {
  private static final InMemoryImages DATA =
      new InMemoryImages(
          "three",
          new ImageShape(1, 2, 1),
          List.of(
              new byte[] {0, 0}, new byte[] {(byte) 255, (byte) 255}, new byte[] {0, (byte) 255}));

  private final NearestNeighbours neighbours = new NearestNeighbours(DATA);

  @Test
  void copiesHaveNoDistance() {
    assertEquals(0, neighbours.ofSamples(new float[] {-1, -1, 1, 1, -1, 1}, 3));
    assertEquals(0, neighbours.ofSamples(new float[] {-2, 1.5f}, 1));
  }

  @Test
  void theNearestOneCounts() {
    // (1, -1) differs by 2 in one of two pixels from the first two images, and in both from the
    // third
    assertEquals(Math.sqrt(2), neighbours.ofSamples(new float[] {1, -1}, 1), 1e-12);
    assertEquals(Math.sqrt(2), neighbours.ofData(3), 1e-12);
  }

  @Test
  void refusesMoreSamplesThanThereAre() {
    assertThrows(
        IllegalArgumentException.class, () -> neighbours.ofSamples(new float[] {0, 0, 0}, 2));
    assertThrows(IllegalArgumentException.class, () -> neighbours.ofData(4));
  }
}
