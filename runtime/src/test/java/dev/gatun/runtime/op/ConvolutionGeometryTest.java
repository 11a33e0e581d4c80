package dev.gatun.runtime.op;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.runtime.tensor.Shape;
import org.junit.jupiter.api.Test;

final class ConvolutionGeometryTest {

  @Test
  void equalPadding() {
    ConvolutionGeometry g = ConvolutionGeometry.of(Shape.of(5, 28, 27, 3), 64, 3, 2, 1);
    assertEquals(Shape.of(5, 28, 27, 3), g.inputShape());
    assertEquals(Shape.of(5, 14, 14, 64), g.outputShape());
    assertEquals(Shape.of(64, 3, 3, 3), g.weightShape());
    assertEquals(0, g.paddingBottom());
    assertEquals(1, g.paddingRight());
    assertEquals(2, g.withBatch(2).batch());
    assertEquals(g, g.withBatch(2).withBatch(5));
  }

  /** Kernel 2, stride 3 on ten rows: the last sees rows 6 and 7, two are left. */
  @Test
  void unseenRowsAreNegativePadding() {
    assertEquals(-2, ConvolutionGeometry.of(Shape.of(1, 10, 10, 1), 1, 2, 3, 0).paddingBottom());
  }

  @Test
  void refusals() {
    var small =
        assertThrows(
            IllegalArgumentException.class,
            () -> ConvolutionGeometry.of(Shape.of(1, 2, 2, 1), 1, 4, 1, 0));
    assertTrue(
        small.getMessage().contains("2x2") && small.getMessage().contains("4x4"),
        small.getMessage());
    assertThrows(
        IllegalArgumentException.class,
        () -> ConvolutionGeometry.of(Shape.of(1, 4, 4, 1), 0, 3, 1, 1));
    assertThrows(
        IllegalArgumentException.class,
        () -> ConvolutionGeometry.of(Shape.of(1, 4, 4, 1), 1, 3, 1, -1));
    assertThrows(
        IllegalArgumentException.class,
        () -> ConvolutionGeometry.of(Shape.of(1, 4, 4, 1), 1, 0, 1, 0));
  }
}
