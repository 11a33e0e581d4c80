package dev.gatun.runtime.memory;

import java.lang.foreign.MemorySegment;
import java.util.OptionalLong;

/** Where a backend's bytes come from: the C heap for a CPU, {@code cuMemAlloc} for a GPU. */
public interface DeviceMemory {

  /**
   * Every block starts at a multiple of this many bytes: a cache-line pair, two vector registers, a
   * GPU transaction.
   */
  long ALIGNMENT = 256;

  /**
   * Reserves {@code bytes} of device memory, aligned to {@link #ALIGNMENT}, with undefined content.
   *
   * @throws OutOfDeviceMemoryException when the device has too little left
   */
  MemorySegment reserve(long bytes);

  /**
   * Bytes that {@link #reserve} may still give in all, as the device says it now; empty where it
   * does not say.
   */
  default OptionalLong freeBytes() {
    return OptionalLong.empty();
  }

  /** Gives back what {@link #reserve} returned. */
  void release(MemorySegment block);
}
