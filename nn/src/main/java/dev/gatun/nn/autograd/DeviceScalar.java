package dev.gatun.nn.autograd;

import dev.gatun.runtime.memory.DeviceArena;
import dev.gatun.runtime.op.Backend;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * One number in device memory that the host sets between steps: step number, learning rate. A
 * captured step reads it there, so that nothing that varies is baked in.
 */
public final class DeviceScalar {

  private final Backend backend;
  private final Tensor tensor;
  private final MemorySegment host = Arena.ofAuto().allocate(ValueLayout.JAVA_INT);

  /** A scalar of {@code dtype} FLOAT32 or INT32 in {@code arena}; set it before use. */
  public DeviceScalar(Backend backend, DeviceArena arena, DType dtype) {
    if (dtype != DType.FLOAT32 && dtype != DType.INT32) {
      throw new IllegalArgumentException("device scalar: expected FLOAT32 or INT32, got " + dtype);
    }
    this.backend = backend;
    this.tensor = Tensor.allocate(arena, dtype, Shape.of(1));
  }

  /** The number, [1]. */
  public Tensor tensor() {
    return tensor;
  }

  /** Sets a FLOAT32. */
  public void set(float value) {
    require(DType.FLOAT32);
    host.set(ValueLayout.JAVA_FLOAT, 0, value);
    backend.upload(host, tensor);
  }

  /** Sets an INT32. */
  public void set(int value) {
    require(DType.INT32);
    host.set(ValueLayout.JAVA_INT, 0, value);
    backend.upload(host, tensor);
  }

  /** Waits for the device and reads a FLOAT32. */
  public float getFloat() {
    require(DType.FLOAT32);
    backend.download(tensor, host);
    return host.get(ValueLayout.JAVA_FLOAT, 0);
  }

  /** Waits for the device and reads an INT32. */
  public int getInt() {
    require(DType.INT32);
    backend.download(tensor, host);
    return host.get(ValueLayout.JAVA_INT, 0);
  }

  private void require(DType dtype) {
    if (tensor.dtype() != dtype) {
      throw new IllegalStateException("device scalar: it is " + tensor.dtype() + ", not " + dtype);
    }
  }
}
