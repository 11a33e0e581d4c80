package dev.gatun.runtime.onednn;

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
final class Pages {

  static final long HUGE = 2L << 20;

  private static final int PROT_READ_WRITE = 3;
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

  private Pages() {}

  /**
   * {@code bytes} bytes at a multiple of {@link #HUGE}, on huge pages where Linux grants them,
   * until the arena is closed.
   *
   * @throws OutOfMemoryError when Linux has no room for them
   */
  static MemorySegment allocate(Arena arena, long bytes) {
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
