package dev.gatun.nn.checkpoint;

import dev.gatun.runtime.tensor.Shape;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The order of a parameter's elements in PyTorch and here: a tensor [A, h, w, B] of rank 4 is [A,
 * B, h, w] there, all others are the same.
 */
final class PytorchLayout {

  private PytorchLayout() {}

  /** Copies floats in this order to {@code pytorch}, in PyTorch's, little endian. */
  static void toPytorch(Shape shape, MemorySegment floats, MemorySegment pytorch) {
    int outer = shape.rank() == 4 ? shape.extent(0) : 1;
    long pixels = shape.rank() == 4 ? (long) shape.extent(1) * shape.extent(2) : 1;
    long channels = shape.elements() / outer / pixels;
    long to = 0;
    for (long a = 0; a < outer; a++) {
      for (long c = 0; c < channels; c++) {
        for (long p = 0; p < pixels; p++) {
          float value = floats.getAtIndex(ValueLayout.JAVA_FLOAT, (a * pixels + p) * channels + c);
          pytorch.set(ElementType.FLOAT, to * Float.BYTES, value);
          to++;
        }
      }
    }
  }

  /** Copies elements of {@code type} in PyTorch's order to floats in this one. */
  static void fromPytorch(
      Shape shape, ElementType type, MemorySegment pytorch, MemorySegment floats) {
    int outer = shape.rank() == 4 ? shape.extent(0) : 1;
    long pixels = shape.rank() == 4 ? (long) shape.extent(1) * shape.extent(2) : 1;
    long channels = shape.elements() / outer / pixels;
    long from = 0;
    for (long a = 0; a < outer; a++) {
      for (long c = 0; c < channels; c++) {
        for (long p = 0; p < pixels; p++) {
          float value = type.toFloat(pytorch, from++);
          floats.setAtIndex(ValueLayout.JAVA_FLOAT, (a * pixels + p) * channels + c, value);
        }
      }
    }
  }
}
