package dev.gatun.ddpm.diffusion;

import dev.gatun.runtime.memory.DeviceArena;
import dev.gatun.runtime.op.Backend;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.function.IntToDoubleFunction;

/** Brings small tables of numbers to the device. */
public final class DeviceValues {

  private DeviceValues() {}

  /**
   * A new FLOAT32 [count] in {@code arena} with value(0) .. value(count - 1), rounded to nearest.
   */
  public static Tensor floats(
      Backend backend, DeviceArena arena, int count, IntToDoubleFunction value) {
    Tensor tensor = Tensor.allocate(arena, DType.FLOAT32, Shape.of(count));
    write(backend, tensor, value);
    return tensor;
  }

  /** Overwrites a FLOAT32 [n] with value(0) .. value(n - 1), rounded to nearest. */
  public static void write(Backend backend, Tensor tensor, IntToDoubleFunction value) {
    int count = Math.toIntExact(tensor.elements());
    try (Arena scratch = Arena.ofConfined()) {
      MemorySegment host = scratch.allocate(ValueLayout.JAVA_FLOAT, count);
      for (int i = 0; i < count; i++) {
        host.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) value.applyAsDouble(i));
      }
      backend.upload(host, tensor);
    }
  }
}
