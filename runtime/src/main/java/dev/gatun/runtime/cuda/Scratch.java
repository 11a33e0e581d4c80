package dev.gatun.runtime.cuda;

import dev.gatun.runtime.cuda.cudnn.Workspace;
import dev.gatun.runtime.cuda.driver.CudaMemory;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;

/**
 * Device memory for the duration of one call after the other, in the stream's order: one block,
 * which grows to the largest that was asked for. Where a captured program may have its address, an
 * outgrown block stays as long as this.
 */
final class Scratch implements Workspace, AutoCloseable {
  private final CudaMemory memory;
  private final LongSupplier captures; // how many there were
  private final long granule;
  private final long most;
  private final List<MemorySegment> outgrown = new ArrayList<>();
  private MemorySegment block = MemorySegment.NULL;
  private long capturesBefore;

  /**
   * Of blocks of a multiple of {@code granule} bytes; {@code most} is what {@link #most} lets plans
   * choose from.
   */
  Scratch(CudaMemory memory, LongSupplier captures, long granule, long most) {
    this.memory = memory;
    this.captures = captures;
    this.granule = granule;
    this.most = most;
  }

  /** {@code bytes} or more. Growing is nothing that a captured step may do. */
  @Override
  public MemorySegment of(long bytes) {
    if (block.byteSize() < bytes) {
      MemorySegment last = block;
      boolean held = isHeld();
      if (!held && last.byteSize() > 0) {
        block = MemorySegment.NULL;
        memory.release(last); // first, so that there is no time when both are reserved
      }
      block = memory.reserve(Math.ceilDiv(bytes, granule) * granule);
      capturesBefore = captures.getAsLong();
      if (held) {
        outgrown.add(last);
      }
    }
    return block;
  }

  /** What is left of the limit beside that which programs hold; what is there, at least. */
  @Override
  public long most() {
    long held = outgrown.stream().mapToLong(MemorySegment::byteSize).sum();
    return Math.max(block.byteSize(), most - held - (isHeld() ? block.byteSize() : 0));
  }

  /** Whether a program may have the block's address. */
  private boolean isHeld() {
    return block.byteSize() > 0 && captures.getAsLong() != capturesBefore;
  }

  /** Gives all back; programs must be closed before. */
  @Override
  public void close() {
    outgrown.forEach(memory::release);
    outgrown.clear();
    if (block.byteSize() > 0) {
      memory.release(block);
      block = MemorySegment.NULL;
    }
  }
}
