package dev.gatun.ddpm.diffusion;

import dev.gatun.runtime.memory.DeviceArena;
import dev.gatun.runtime.op.Backend;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;
import java.lang.foreign.Arena;
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
    float[] values = new float[Math.toIntExact(tensor.elements())];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) value.applyAsDouble(i);
    }
    write(backend, tensor, values);
  }

  /** Overwrites a FLOAT32 tensor with as many values. */
  public static void write(Backend backend, Tensor tensor, float[] values) {
    try (Arena scratch = Arena.ofConfined()) {
      backend.upload(scratch.allocateFrom(ValueLayout.JAVA_FLOAT, values), tensor);
    }
  }
}
