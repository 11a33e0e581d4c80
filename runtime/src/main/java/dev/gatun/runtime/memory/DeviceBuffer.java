package dev.gatun.runtime.memory;

import java.lang.foreign.MemorySegment;

/**
 * A range of device memory that belongs to a {@link DeviceArena}.
 *
 * @param arena the owner
 * @param segment the bytes: readable from Java on a CPU, an address only on a GPU
 */
public record DeviceBuffer(DeviceArena arena, MemorySegment segment) {

  /** The size in bytes as it was asked for. */
  public long byteSize() {
    return segment.byteSize();
  }

  /** Returns the bytes to the arena, which may hand them out again. */
  public void release() {
    arena.release(this);
  }
}
