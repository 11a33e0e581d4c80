package dev.gatun.runtime.memory;

import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Host memory that the operating system does not move or swap out, so that a GPU copies from and to
 * it while the processor goes on.
 */
public final class PinnedBuffer implements AutoCloseable {
  private static final AtomicInteger OPEN = new AtomicInteger();

  private final MemorySegment segment;
  private final Runnable free;
  private boolean closed;

  /** Owns {@code segment}, which {@code free} gives back. */
  public PinnedBuffer(MemorySegment segment, Runnable free) {
    this.segment = segment;
    this.free = free;
    OPEN.incrementAndGet();
  }

  /** How many buffers of this process are not closed: zero at the end of a correct program. */
  public static int openBuffers() {
    return OPEN.get();
  }

  /** The bytes, for any thread. */
  public MemorySegment segment() {
    return segment;
  }

  /** Frees the bytes; copies from and to them must be done. */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      OPEN.decrementAndGet();
      free.run();
    }
  }
}
