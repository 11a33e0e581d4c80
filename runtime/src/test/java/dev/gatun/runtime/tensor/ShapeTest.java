package dev.gatun.runtime.tensor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;

final class ShapeTest {

  @Test
  void imageExtents() {
    Shape shape = Shape.of(2, 3, 5, 7);
    assertEquals(4, shape.rank());
    assertEquals(2, shape.batch());
    assertEquals(3, shape.height());
    assertEquals(5, shape.width());
    assertEquals(7, shape.channels());
    assertEquals(210, shape.elements());
    assertEquals(30, shape.rows());
    assertEquals(15, shape.pixels());
    assertEquals(5, shape.extent(2));
    assertEquals(7, shape.extent(-1));
    assertEquals(Shape.of(2, 3, 5, 1), shape.withChannels(1));
    assertEquals("[2, 3, 5, 7]", shape.toString());
  }

  @Test
  void otherRanks() {
    assertEquals(1, Shape.of(9).rows());
    assertEquals(1, Shape.of(4, 9).pixels());
    assertEquals(6, Shape.of(4, 6, 9).pixels());
    assertThrows(IllegalStateException.class, () -> Shape.of(4, 9).height());
    assertThrows(IllegalStateException.class, () -> Shape.of(4, 6, 9).width());
  }

  @Test
  void equality() {
    assertEquals(Shape.of(1, 2), Shape.of(1, 2));
    assertEquals(Shape.of(1, 2).hashCode(), Shape.of(1, 2).hashCode());
    assertNotEquals(Shape.of(1, 2), Shape.of(2, 1));
    assertNotEquals(Shape.of(2), Shape.of(1, 2));
  }

  @Test
  void cannotBeChanged() {
    int[] extents = {2, 3};
    Shape shape = Shape.of(extents);
    extents[0] = 9;
    shape.extents()[1] = 9;
    assertEquals(Shape.of(2, 3), shape);
  }

  @Test
  void refusals() {
    assertThrows(IllegalArgumentException.class, Shape::of);
    assertThrows(IllegalArgumentException.class, () -> Shape.of(3, 0));
    assertThrows(IllegalArgumentException.class, () -> Shape.of(-1, 2));
    assertThrows(
        ArithmeticException.class,
        () -> Shape.of(Integer.MAX_VALUE, Integer.MAX_VALUE, Integer.MAX_VALUE));
    assertThrows(IllegalArgumentException.class, () -> Shape.of(2, 3).withChannels(0));
  }
}
