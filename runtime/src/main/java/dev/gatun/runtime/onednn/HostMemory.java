package dev.gatun.runtime.onednn;

import dev.gatun.runtime.memory.DeviceMemory;
import dev.gatun.runtime.memory.OutOfDeviceMemoryException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The CPU's memory: blocks of the C heap, on huge pages where Linux grants them, which saves most
 * of the address translation of a pass over a batch.
 */
final class HostMemory implements DeviceMemory {

  private static final long HUGE_PAGE = 2L << 20;
  private static final int MADV_HUGEPAGE = 14;
  private static final @Nullable MethodHandle MADVISE = madvise();

  private final Map<Long, Arena> blocks = new ConcurrentHashMap<>();

  @Override
  public MemorySegment reserve(long bytes) {
    Arena arena = Arena.ofShared();
    try {
      long alignment = bytes >= HUGE_PAGE ? HUGE_PAGE : ALIGNMENT;
      MemorySegment block = Untouched.allocate(arena, bytes, alignment);
      if (MADVISE != null && alignment == HUGE_PAGE) {
        int ignored = (int) MADVISE.invokeExact(block, bytes, MADV_HUGEPAGE); // advice, may fail
      }
      blocks.put(block.address(), arena);
      return block;
    } catch (OutOfMemoryError e) {
      arena.close();
      throw new OutOfDeviceMemoryException(
          "cpu: no memory left for " + bytes + " bytes more; use a smaller batch or image size");
    } catch (Throwable e) {
      arena.close();
      throw new AssertionError(e);
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

  private static @Nullable MethodHandle madvise() {
    if (!System.getProperty("os.name").equals("Linux")) {
      return null;
    }
    Linker linker = Linker.nativeLinker();
    return linker
        .defaultLookup()
        .find("madvise")
        .map(
            f ->
                linker.downcallHandle(
                    f,
                    FunctionDescriptor.of(
                        ValueLayout.JAVA_INT,
                        ValueLayout.ADDRESS,
                        ValueLayout.JAVA_LONG,
                        ValueLayout.JAVA_INT)))
        .orElse(null);
  }

  /**
   * Allocation by posix_memalign: unlike {@link Arena#allocate} it does not touch the pages, so
   * they stay free until used.
   */
  private static final class Untouched {
    private static final @Nullable MethodHandle MEMALIGN;
    private static final @Nullable MethodHandle FREE;

    static {
      Linker linker = Linker.nativeLinker();
      MEMALIGN =
          linker
              .defaultLookup()
              .find("posix_memalign")
              .map(
                  f ->
                      linker.downcallHandle(
                          f,
                          FunctionDescriptor.of(
                              ValueLayout.JAVA_INT,
                              ValueLayout.ADDRESS,
                              ValueLayout.JAVA_LONG,
                              ValueLayout.JAVA_LONG)))
              .orElse(null);
      FREE =
          linker
              .defaultLookup()
              .find("free")
              .map(f -> linker.downcallHandle(f, FunctionDescriptor.ofVoid(ValueLayout.ADDRESS)))
              .orElse(null);
    }

    static MemorySegment allocate(Arena arena, long bytes, long alignment) throws Throwable {
      if (MEMALIGN == null || FREE == null) {
        return arena.allocate(bytes, alignment);
      }
      MemorySegment pointer = arena.allocate(ValueLayout.ADDRESS);
      int status = (int) MEMALIGN.invokeExact(pointer, alignment, bytes);
      if (status != 0) {
        throw new OutOfMemoryError();
      }
      return pointer.get(ValueLayout.ADDRESS, 0).reinterpret(bytes, arena, Untouched::free);
    }

    private static void free(MemorySegment block) {
      try {
        if (FREE != null) {
          FREE.invokeExact(block);
        }
      } catch (Throwable e) {
        throw new AssertionError(e);
      }
    }
  }
}
