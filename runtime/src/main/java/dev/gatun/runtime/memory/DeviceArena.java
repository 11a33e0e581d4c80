package dev.gatun.runtime.memory;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Hands out device memory and takes it back, all of it when closed.
 *
 * <p>Blocks are found best-fit in the chunks that the device gave; a block that is released is
 * merged with its free neighbours and used again. The outcome depends on nothing but the sequence
 * of calls, so that a step that allocates the same sizes in the same order after {@link #reset}
 * gets the same addresses: that is what lets a CUDA graph replay it.
 *
 * <p>Not thread safe: an arena belongs to the thread that builds the step.
 */
public final class DeviceArena implements AutoCloseable {

  private static final AtomicInteger OPEN = new AtomicInteger();
  private static final long CHUNK_GRANULE = 2L << 20; // a huge page

  /** The most by which an arena grows for a smaller buffer, so that many of them leave no gaps. */
  private static final long MOST_AHEAD = 8L << 20;

  private final DeviceMemory memory;
  private final String name;
  private final List<MemorySegment> chunks = new ArrayList<>();
  private final TreeMap<Long, Block> blocks = new TreeMap<>(); // by address, free and taken
  private final TreeMap<BlockKey, Block> free = new TreeMap<>();
  private long liveBytes;
  private long peakBytes;
  private long reservedBytes;
  private int liveBuffers;
  private boolean closed;

  /** An empty arena; {@code name} is what messages call it. */
  public DeviceArena(DeviceMemory memory, String name) {
    this.memory = memory;
    this.name = name;
    OPEN.incrementAndGet();
  }

  /** How many arenas of this process are not closed: zero at the end of a correct program. */
  public static int openArenas() {
    return OPEN.get();
  }

  /**
   * Allocates {@code bytes} (0 counts as 1), aligned to {@link DeviceMemory#ALIGNMENT}, with
   * undefined content.
   *
   * @throws OutOfDeviceMemoryException when neither a free block nor the device has room
   */
  public DeviceBuffer allocate(long bytes) {
    if (closed) {
      throw new IllegalStateException(
          "arena " + name + ": allocation of " + bytes + " bytes after close");
    }
    if (bytes < 0) {
      throw new IllegalArgumentException("arena " + name + ": negative size " + bytes);
    }
    long size = align(Math.max(bytes, 1), DeviceMemory.ALIGNMENT);
    var entry = free.ceilingEntry(new BlockKey(size, 0));
    Block block = entry != null ? entry.getValue() : grow(size);
    free.remove(block.key());
    if (block.size > size) {
      Block rest = new Block(block.chunk, block.address + size, block.size - size);
      block.size = size;
      blocks.put(rest.address, rest);
      free.put(rest.key(), rest);
    }
    block.taken = true;
    liveBuffers++;
    liveBytes += size;
    peakBytes = Math.max(peakBytes, liveBytes);
    return new DeviceBuffer(
        this, block.chunk.asSlice(block.address - block.chunk.address(), bytes));
  }

  void release(DeviceBuffer buffer) {
    Block block = blocks.get(buffer.segment().address());
    if (block == null || !block.taken) {
      throw new IllegalStateException(
          "arena "
              + name
              + ": release of a buffer of "
              + buffer.byteSize()
              + " bytes that it does not hold");
    }
    block.taken = false;
    liveBuffers--;
    liveBytes -= block.size;
    var before = blocks.lowerEntry(block.address);
    if (before != null && mergeable(before.getValue(), block)) {
      free.remove(before.getValue().key());
      block = join(before.getValue(), block);
    }
    var after = blocks.higherEntry(block.address);
    if (after != null && mergeable(block, after.getValue())) {
      free.remove(after.getValue().key());
      block = join(block, after.getValue());
    }
    free.put(block.key(), block);
  }

  /**
   * Takes everything back at once and keeps the memory for the next round. Chunks that the last
   * round collected one by one become one chunk, so that after two equal rounds no round reserves
   * anything.
   */
  public void reset() {
    forgetBlocks();
    if (chunks.size() > 1) {
      long total = reservedBytes;
      releaseChunks();
      addChunk(total); // where this fails, the arena is empty
    }
    for (MemorySegment chunk : chunks) {
      insertFree(chunk);
    }
  }

  /** Bytes that are handed out now. */
  public long liveBytes() {
    return liveBytes;
  }

  /** Buffers that are handed out now. */
  public int liveBuffers() {
    return liveBuffers;
  }

  /** The most bytes that were ever handed out together. */
  public long peakBytes() {
    return peakBytes;
  }

  /** Bytes that were taken from the device. */
  public long reservedBytes() {
    return reservedBytes;
  }

  /** Gives all memory back to the device; buffers of this arena must not be used any more. */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      forgetBlocks();
      releaseChunks();
      OPEN.decrementAndGet();
    }
  }

  @Override
  public String toString() {
    return "DeviceArena["
        + name
        + ", live="
        + liveBytes
        + ", peak="
        + peakBytes
        + ", reserved="
        + reservedBytes
        + "]";
  }

  private Block grow(long size) {
    long least = align(size, CHUNK_GRANULE);
    long ahead = align(Math.min(reservedBytes / 4, MOST_AHEAD), CHUNK_GRANULE);
    if (ahead > least) {
      try {
        return insertFree(addChunk(ahead));
      } catch (OutOfDeviceMemoryException e) {
        return insertFree(addChunk(least));
      }
    }
    return insertFree(addChunk(least));
  }

  private MemorySegment addChunk(long bytes) {
    MemorySegment chunk = memory.reserve(bytes);
    chunks.add(chunk);
    reservedBytes += bytes;
    return chunk;
  }

  private Block insertFree(MemorySegment chunk) {
    Block block = new Block(chunk, chunk.address(), chunk.byteSize());
    blocks.put(block.address, block);
    free.put(block.key(), block);
    return block;
  }

  private void forgetBlocks() {
    blocks.clear();
    free.clear();
    liveBytes = 0;
    liveBuffers = 0;
  }

  private void releaseChunks() {
    chunks.forEach(memory::release);
    chunks.clear();
    reservedBytes = 0;
  }

  private static boolean mergeable(@Nullable Block low, @Nullable Block high) {
    return low != null
        && high != null
        && !low.taken
        && !high.taken
        && low.chunk.address() == high.chunk.address()
        && low.address + low.size == high.address;
  }

  private Block join(Block low, Block high) {
    blocks.remove(high.address);
    low.size += high.size;
    return low;
  }

  private static long align(long value, long unit) {
    return (value + unit - 1) / unit * unit;
  }

  private record BlockKey(long size, long address) implements Comparable<BlockKey> {
    @Override
    public int compareTo(BlockKey other) {
      int bySize = Long.compare(size, other.size);
      return bySize != 0 ? bySize : Long.compareUnsigned(address, other.address);
    }
  }

  private static final class Block {
    final MemorySegment chunk;
    final long address;
    long size;
    boolean taken;

    Block(MemorySegment chunk, long address, long size) {
      this.chunk = chunk;
      this.address = address;
      this.size = size;
    }

    BlockKey key() {
      return new BlockKey(size, address);
    }
  }
}
