package dev.gatun.runtime.memory;

import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;

/**
 * Memory that is counted and not there: its segments are addresses that nobody may touch. With it a
 * computation finds out what it will need.
 */
public final class CountingMemory implements DeviceMemory {
  private final Map<Long, Long> blocks = new HashMap<>(); // size by address
  private long next = ALIGNMENT;
  private long liveBytes;
  private long peakBytes;

  @Override
  public MemorySegment reserve(long bytes) {
    long address = next;
    next += (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    blocks.put(address, bytes);
    liveBytes += bytes;
    peakBytes = Math.max(peakBytes, liveBytes);
    return MemorySegment.ofAddress(address).reinterpret(bytes);
  }

  @Override
  public void release(MemorySegment block) {
    Long bytes = blocks.remove(block.address());
    if (bytes == null) {
      throw new IllegalStateException("release of a block that was not reserved");
    }
    liveBytes -= bytes;
  }

  /** Bytes that are reserved now. */
  public long liveBytes() {
    return liveBytes;
  }

  /** The most bytes that were ever reserved together. */
  public long peakBytes() {
    return peakBytes;
  }
}
