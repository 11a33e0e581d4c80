package dev.gatun.runtime.tensor;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.runtime.memory.DeviceArena;
import dev.gatun.runtime.memory.HeapMemory;
import dev.gatun.runtime.op.TensorValues;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

final class TensorTest {
  private final HeapMemory memory = new HeapMemory();
  private final DeviceArena arena = new DeviceArena(memory, "test");

  @AfterEach
  void close() {
    arena.close();
    assertEquals(0, memory.liveBlocks());
  }

  /** A tensor of the numbers 0, 1, 2, ... */
  private Tensor counting(int... extents) {
    Shape shape = Shape.of(extents);
    Tensor tensor = Tensor.allocate(arena, DType.FLOAT32, shape);
    TensorValues.write(
        IntStream.range(0, (int) shape.elements()).asDoubleStream().toArray(), tensor);
    return tensor;
  }

  @Test
  void channelSlices() {
    Tensor slice = counting(1, 2, 2, 5).channelSlice(1, 3);
    assertEquals(Shape.of(1, 2, 2, 3), slice.shape());
    assertEquals(5, slice.rowStride());
    assertFalse(slice.isDense());
    assertArrayEquals(
        new double[] {1, 2, 3, 6, 7, 8, 11, 12, 13, 16, 17, 18}, TensorValues.read(slice));
    assertArrayEquals(new double[] {3, 8, 13, 18}, TensorValues.read(slice.channelSlice(2, 1)));
    assertTrue(slice.toString().contains("row stride 5"), slice.toString());
    assertThrows(IllegalArgumentException.class, () -> slice.channelSlice(1, 3));
    assertThrows(IllegalArgumentException.class, () -> slice.channelSlice(-1, 2));
    assertThrows(IllegalArgumentException.class, () -> slice.channelSlice(0, 0));
  }

  /** The last channels of the last row end with the parent. */
  @Test
  void theLastSliceFits() {
    Tensor slice = counting(3, 4).channelSlice(3, 1);
    assertArrayEquals(new double[] {3, 7, 11}, TensorValues.read(slice));
    assertEquals(9 * 4, slice.segment().byteSize());
  }

  @Test
  void reshape() {
    Tensor tensor = counting(2, 3, 4);
    assertArrayEquals(TensorValues.read(tensor), TensorValues.read(tensor.reshape(Shape.of(4, 6))));
    Tensor slice = tensor.channelSlice(1, 2);
    Tensor flat = slice.reshape(Shape.of(6, 2));
    assertEquals(4, flat.rowStride());
    assertArrayEquals(TensorValues.read(slice), TensorValues.read(flat));
    assertThrows(IllegalArgumentException.class, () -> tensor.reshape(Shape.of(5, 5)));
    assertThrows(IllegalArgumentException.class, () -> slice.reshape(Shape.of(4, 3)));
    assertThrows(IllegalArgumentException.class, () -> slice.reshape(Shape.of(12)));
  }

  @Test
  void ranges() {
    Tensor tensor = counting(4, 5);
    assertArrayEquals(
        new double[] {7, 8, 9, 10}, TensorValues.read(tensor.range(7, Shape.of(2, 2))));
    assertThrows(IllegalArgumentException.class, () -> tensor.range(17, Shape.of(4)));
    assertThrows(IllegalArgumentException.class, () -> tensor.range(-1, Shape.of(4)));
    assertThrows(
        IllegalArgumentException.class, () -> tensor.channelSlice(0, 2).range(0, Shape.of(2)));
  }

  @Test
  void samples() {
    Tensor tensor = counting(3, 2, 2);
    Tensor last = tensor.samples(1, 2);
    assertEquals(Shape.of(2, 2, 2), last.shape());
    assertArrayEquals(new double[] {4, 5, 6, 7, 8, 9, 10, 11}, TensorValues.read(last));
    assertArrayEquals(
        new double[] {9, 11}, TensorValues.read(tensor.channelSlice(1, 1).samples(2, 1)));
    assertArrayEquals(new double[] {2, 3}, TensorValues.read(counting(5).samples(2, 2)));
    assertThrows(IllegalArgumentException.class, () -> tensor.samples(2, 2));
    assertThrows(IllegalArgumentException.class, () -> tensor.samples(0, 0));
  }

  @Test
  void refusals() {
    Tensor tensor = counting(2, 3);
    assertThrows(
        IllegalArgumentException.class,
        () -> new Tensor(tensor.buffer(), tensor.segment(), DType.FLOAT32, Shape.of(2, 3), 2));
    assertThrows(
        IllegalArgumentException.class,
        () -> new Tensor(tensor.buffer(), tensor.segment(), DType.FLOAT32, Shape.of(3, 3), 3));
  }

  @Test
  void dtypes() {
    assertEquals(4, DType.FLOAT32.byteSize());
    assertEquals(2, DType.BFLOAT16.byteSize());
    assertEquals(4, DType.INT32.byteSize());
    assertEquals(1, DType.UINT8.byteSize());
    assertEquals(
        6 * 2, Tensor.allocate(arena, DType.BFLOAT16, Shape.of(2, 3)).segment().byteSize());
    assertTrue(DType.BFLOAT16.isFloatingPoint());
    assertFalse(DType.UINT8.isFloatingPoint());
  }

  @Test
  void release() {
    Tensor tensor = counting(2, 3);
    tensor.channelSlice(1, 1).release();
    assertEquals(0, arena.liveBuffers());
    assertThrows(IllegalStateException.class, tensor::release);
  }
}
