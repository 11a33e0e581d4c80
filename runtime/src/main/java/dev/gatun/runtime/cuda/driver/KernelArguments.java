package dev.gatun.runtime.cuda.driver;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The arguments of a launch, in the order of the kernel's parameters. The driver copies them during
 * the launch, so that one object serves all launches of a thread, one after the other.
 *
 * <p>Two arrays of native memory: values of 8 bytes, and pointers to them, which is what
 * cuLaunchKernel takes. A null pointer behind the last is for drivers of tests, which count them.
 */
public final class KernelArguments implements AutoCloseable {
  static final int MOST = 64;

  private final Arena arena = Arena.ofShared();
  private final MemorySegment values = arena.allocate(ValueLayout.JAVA_LONG, MOST);
  private final MemorySegment pointers = arena.allocate(ValueLayout.JAVA_LONG, MOST + 1);
  private int count;
  private long wide;

  /** Forgets the arguments of the last launch. */
  public KernelArguments begin() {
    count = 0;
    wide = 0;
    return this;
  }

  /** A pointer to device memory; {@link MemorySegment#NULL} for a null pointer. */
  public KernelArguments pointer(MemorySegment memory) {
    return int64(memory.address());
  }

  /** An int, unsigned int or bool (0 or 1). */
  public KernelArguments int32(int value) {
    values.set(ValueLayout.JAVA_INT, next(), value);
    return this;
  }

  /** A long long or unsigned long long. */
  public KernelArguments int64(long value) {
    wide |= 1L << count;
    values.set(ValueLayout.JAVA_LONG, next(), value);
    return this;
  }

  /** A float. */
  public KernelArguments float32(float value) {
    values.set(ValueLayout.JAVA_FLOAT, next(), value);
    return this;
  }

  /** How many there are. */
  public int count() {
    return count;
  }

  /** Which of them have 8 bytes, the first at bit 0; the others have 4. */
  long wide() {
    return wide;
  }

  /** The {@code void* kernelParams[]} of cuLaunchKernel. */
  MemorySegment pointers() {
    pointers.setAtIndex(ValueLayout.JAVA_LONG, count, 0);
    return pointers;
  }

  private long next() {
    if (count == MOST) {
      throw new IllegalStateException("kernel arguments: expected at most " + MOST);
    }
    long offset = (long) count * Long.BYTES;
    pointers.setAtIndex(ValueLayout.JAVA_LONG, count, values.address() + offset);
    count++;
    return offset;
  }

  @Override
  public void close() {
    arena.close();
  }
}
