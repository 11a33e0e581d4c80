package dev.gatun.runtime.memory;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;

/**
 * Host memory for tests. A new block is all ones, which reads as NaN, so that nobody relies on
 * zeros; what was reserved and not released is counted.
 */
public final class HeapMemory implements DeviceMemory {
  private final Map<Long, Arena> blocks = new HashMap<>();
  private int reservations;

  @Override
  public MemorySegment reserve(long bytes) {
    Arena arena = Arena.ofShared();
    MemorySegment block = arena.allocate(bytes, ALIGNMENT);
    block.fill((byte) 0xFF);
    blocks.put(block.address(), arena);
    reservations++;
    return block;
  }

  @Override
  public void release(MemorySegment block) {
    Arena arena = blocks.remove(block.address());
    if (arena == null) {
      throw new IllegalStateException(
          "release of a block of " + block.byteSize() + " bytes that is not reserved");
    }
    arena.close();
  }

  /** Blocks that are reserved now. */
  public int liveBlocks() {
    return blocks.size();
  }

  /** How often a block was reserved. */
  public int reservations() {
    return reservations;
  }
}
