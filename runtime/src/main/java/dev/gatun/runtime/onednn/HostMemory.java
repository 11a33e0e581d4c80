package dev.gatun.runtime.onednn;

import dev.gatun.runtime.memory.DeviceMemory;
import dev.gatun.runtime.memory.OutOfDeviceMemoryException;
import dev.gatun.runtime.onednn.machine.Pages;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The CPU's memory: large blocks on huge pages where Linux grants them, which saves most of the
 * address translation of a pass over a batch; others from the C heap.
 */
final class HostMemory implements DeviceMemory {

  private static final boolean LINUX = System.getProperty("os.name").equals("Linux");

  private final Map<Long, Arena> blocks = new ConcurrentHashMap<>();

  @Override
  public MemorySegment reserve(long bytes) {
    Arena arena = Arena.ofShared();
    try {
      boolean large = bytes >= Pages.HUGE && LINUX;
      MemorySegment block = large ? Pages.allocate(arena, bytes) : arena.allocate(bytes, ALIGNMENT);
      blocks.put(block.address(), arena);
      return block;
    } catch (OutOfMemoryError e) {
      arena.close();
      throw new OutOfDeviceMemoryException(
          "cpu: no memory left for " + bytes + " bytes more; use a smaller batch or image size");
    }
  }

  @Override
  public OptionalLong freeBytes() {
    return AvailableMemory.bytes();
  }

  @Override
  public void release(MemorySegment block) {
    Arena arena = blocks.remove(block.address());
    if (arena == null) {
      throw new IllegalStateException("cpu: release of a block that was not reserved");
    }
    arena.close();
  }
}
