package dev.gatun.runtime.onednn.machine;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * Pages straight from Linux (mmap(2)): no memory until they are touched, and none any more once
 * they are released. Of a block below 32 MB malloc would keep what it held.
 */
public final class Pages {

  /** The bytes of a huge page. */
  public static final long HUGE = 2L << 20;

  private static final int PROT_READ_WRITE = 3;
  private static final int PROT_READ_EXECUTE = 5;
  private static final int MAP_PRIVATE_ANONYMOUS = 0x22;
  private static final int MADV_HUGEPAGE = 14;

  private static final MethodHandle MMAP =
      function(
          "mmap",
          ValueLayout.JAVA_LONG,
          ValueLayout.JAVA_LONG,
          ValueLayout.JAVA_LONG,
          ValueLayout.JAVA_INT,
          ValueLayout.JAVA_INT,
          ValueLayout.JAVA_INT,
          ValueLayout.JAVA_LONG);
  private static final MethodHandle MUNMAP =
      function("munmap", ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG);
  private static final MethodHandle MADVISE =
      function(
          "madvise",
          ValueLayout.JAVA_INT,
          ValueLayout.JAVA_LONG,
          ValueLayout.JAVA_LONG,
          ValueLayout.JAVA_INT);

  private static final MethodHandle MPROTECT =
      function(
          "mprotect",
          ValueLayout.JAVA_INT,
          ValueLayout.JAVA_LONG,
          ValueLayout.JAVA_LONG,
          ValueLayout.JAVA_INT);

  private Pages() {}

  /**
   * {@code bytes} bytes at a multiple of {@link #HUGE}, on huge pages where Linux grants them,
   * until the arena is closed.
   *
   * @throws OutOfMemoryError when Linux has no room for them
   */
  public static MemorySegment allocate(Arena arena, long bytes) {
    long length = (bytes + HUGE - 1) / HUGE * HUGE + HUGE;
    try {
      long start =
          (long) MMAP.invokeExact(0L, length, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0L);
      if (start == -1) {
        throw new OutOfMemoryError("mmap of " + length + " bytes failed");
      }
      long first = (start + HUGE - 1) / HUGE * HUGE;
      int ignored = (int) MADVISE.invokeExact(first, bytes, MADV_HUGEPAGE); // advice, may fail
      return MemorySegment.ofAddress(first).reinterpret(bytes, arena, s -> release(start, length));
    } catch (Error e) {
      throw e;
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  /**
   * The address of {@code code} and {@code zeros} zero bytes behind it, to be called and read but
   * not written; they stay until the program ends.
   *
   * @throws IllegalStateException when Linux does not allow it
   */
  public static long executable(MemorySegment code, long zeros) {
    long bytes = code.byteSize() + zeros;
    try {
      long start =
          (long) MMAP.invokeExact(0L, bytes, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0L);
      if (start == -1) {
        throw new OutOfMemoryError("mmap of " + bytes + " bytes failed");
      }
      MemorySegment.ofAddress(start).reinterpret(bytes).copyFrom(code);
      int status = (int) MPROTECT.invokeExact(start, bytes, PROT_READ_EXECUTE);
      if (status != 0) {
        throw new IllegalStateException("mprotect: " + bytes + " bytes cannot be made executable");
      }
      return start;
    } catch (Error | RuntimeException e) {
      throw e;
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  private static void release(long start, long length) {
    try {
      int status = (int) MUNMAP.invokeExact(start, length);
      assert status == 0 : "munmap of " + length + " bytes failed";
    } catch (Error e) {
      throw e;
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  private static MethodHandle function(
      String name, MemoryLayout result, MemoryLayout... parameters) {
    Linker linker = Linker.nativeLinker();
    return linker.downcallHandle(
        linker.defaultLookup().findOrThrow(name), FunctionDescriptor.of(result, parameters));
  }
}
