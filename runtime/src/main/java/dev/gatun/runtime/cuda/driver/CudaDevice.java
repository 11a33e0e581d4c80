package dev.gatun.runtime.cuda.driver;

import static dev.gatun.bindings.cuda.Cuda.*;
import static dev.gatun.runtime.cuda.driver.CudaStatus.check;
import static dev.gatun.runtime.cuda.driver.CudaStatus.checkFree;

import dev.gatun.bindings.cuda.CUuuid;
import dev.gatun.bindings.loader.CudaLibrary;
import dev.gatun.bindings.loader.LibraryLoadException;
import dev.gatun.runtime.memory.PinnedBuffer;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HexFormat;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * A GPU and its primary context, which it retains until it is closed.
 *
 * <p>The context is bound to the thread that opens the device; another thread that calls has it
 * bound by {@link #bind}, which all calls of this package do.
 */
public final class CudaDevice implements AutoCloseable {

  /** The oldest driver interface that the kernels and libraries of CUDA 13 run on. */
  private static final int OLDEST_DRIVER = 13_000;

  private static final int OLDEST_CAPABILITY = 75;
  private static final ThreadLocal<@Nullable CudaDevice> BOUND = new ThreadLocal<>();

  private final int ordinal;
  private final int handle;
  private final MemorySegment context;
  private final String name;
  private final int computeCapability;
  private final int multiprocessors;
  private boolean closed;

  private CudaDevice(Found found) {
    ordinal = found.ordinal;
    handle = found.handle;
    name = found.name;
    computeCapability = found.computeCapability;
    multiprocessors = attribute(handle, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT());
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment pointer = arena.allocate(ValueLayout.ADDRESS);
      check(cuDevicePrimaryCtxRetain(pointer, handle), "cuDevicePrimaryCtxRetain");
      context = pointer.get(ValueLayout.ADDRESS, 0);
    }
    bind();
  }

  /**
   * How many GPUs the driver sees.
   *
   * @throws LibraryLoadException when there is no driver, with every place that was tried, or one
   *     older than 13.0
   * @throws CudaException when the driver does not start
   */
  public static int count() {
    CudaLibrary.DRIVER.load();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment value = arena.allocate(ValueLayout.JAVA_INT);
      check(cuDriverGetVersion(value), "cuDriverGetVersion");
      int version = value.get(ValueLayout.JAVA_INT, 0);
      if (version < OLDEST_DRIVER) {
        throw new LibraryLoadException(
            "CUDA driver: this one knows CUDA %s, expected 13.0 or later: install NVIDIA's driver, 580 or later"
                .formatted(versionText(version)),
            null);
      }
      int status = cuInit(0);
      if (status == CUDA_ERROR_NO_DEVICE()) {
        return 0;
      }
      check(status, "cuInit");
      check(cuDeviceGetCount(value), "cuDeviceGetCount");
      return value.get(ValueLayout.JAVA_INT, 0);
    }
  }

  /**
   * Opens GPU {@code ordinal}, from 0 to {@link #count} - 1, and binds its primary context to this
   * thread.
   *
   * @throws LibraryLoadException as {@link #count}
   * @throws IllegalArgumentException when there is no such GPU, or it is older than compute
   *     capability 7.5
   * @throws CudaException when the driver does not let it be used
   */
  public static CudaDevice open(int ordinal) {
    return new CudaDevice(find(ordinal));
  }

  /**
   * Starts the driver and checks that {@link #open} would find what it wants; throws as it does.
   */
  public static void requireUsable(int ordinal) {
    find(ordinal);
  }

  /** What the driver says of a GPU without a context. */
  private record Found(int ordinal, int handle, String name, int computeCapability) {}

  private static Found find(int ordinal) {
    int count = count();
    if (count == 0) {
      throw new IllegalArgumentException(
          "the driver sees no GPU: nvidia-smi should list one, and CUDA_VISIBLE_DEVICES not hide"
              + " it; or use the device cpu");
    }
    if (ordinal < 0 || ordinal >= count) {
      throw new IllegalArgumentException(
          count == 1
              ? "there is one GPU, it is called cuda or cuda:0"
              : "there are " + count + " GPUs, cuda:0 to cuda:" + (count - 1));
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment value = arena.allocate(ValueLayout.JAVA_INT);
      check(cuDeviceGet(value, ordinal), "cuDeviceGet");
      int handle = value.get(ValueLayout.JAVA_INT, 0);
      int capability =
          10 * attribute(handle, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR())
              + attribute(handle, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR());
      MemorySegment text = arena.allocate(256);
      check(cuDeviceGetName(text, 256, handle), "cuDeviceGetName");
      String name = text.getString(0);
      if (capability < OLDEST_CAPABILITY) {
        throw new IllegalArgumentException(
            "%s has compute capability %d.%d, expected 7.5 (Turing) or later: use a newer GPU, or the device cpu"
                .formatted(name, capability / 10, capability % 10));
      }
      return new Found(ordinal, handle, name, capability);
    }
  }

  /**
   * Makes this device's context the one that this thread's calls go to. The driver knows the
   * system's threads, between which a virtual thread moves: on one it is told each time.
   */
  public void bind() {
    if (BOUND.get() != this || Thread.currentThread().isVirtual()) {
      check(cuCtxSetCurrent(context), "cuCtxSetCurrent");
      BOUND.set(this);
    }
  }

  /** Name, abilities and free memory, for people. */
  public String describe() {
    return String.format(
        Locale.ROOT,
        "%s, compute capability %d.%d, %d multiprocessors, %.1f of %.1f GiB free, PCI %s",
        name,
        computeCapability / 10,
        computeCapability % 10,
        multiprocessors,
        freeBytes() / (double) (1 << 30),
        totalBytes() / (double) (1 << 30),
        pciBusId());
  }

  /** Which of the driver's GPUs it is: 1 for cuda:1. */
  public int ordinal() {
    return ordinal;
  }

  /** As NVIDIA calls it: "NVIDIA H100 80GB HBM3". */
  public String name() {
    return name;
  }

  /** Ten times the major plus the minor compute capability: 90 for 9.0. */
  public int computeCapability() {
    return computeCapability;
  }

  public int multiprocessors() {
    return multiprocessors;
  }

  /** Bytes of shared memory that one block may ask for at most. */
  public int sharedBytesPerBlock() {
    return attribute(handle, CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN());
  }

  /** Bytes of the whole device. */
  public long totalBytes() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment bytes = arena.allocate(ValueLayout.JAVA_LONG);
      check(cuDeviceTotalMem_v2(bytes, handle), "cuDeviceTotalMem");
      return bytes.get(ValueLayout.JAVA_LONG, 0);
    }
  }

  /** Bytes that no program has taken now. */
  public long freeBytes() {
    bind();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment free = arena.allocate(ValueLayout.JAVA_LONG);
      MemorySegment total = arena.allocate(ValueLayout.JAVA_LONG);
      check(cuMemGetInfo_v2(free, total), "cuMemGetInfo");
      return free.get(ValueLayout.JAVA_LONG, 0);
    }
  }

  /** The device's own number, as nvidia-smi -L prints it: "GPU-8d3b1a2c-...". */
  public String uuid() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment uuid = CUuuid.allocate(arena);
      check(cuDeviceGetUuid_v2(uuid, handle), "cuDeviceGetUuid");
      String hex = HexFormat.of().formatHex(uuid.toArray(ValueLayout.JAVA_BYTE));
      return "GPU-%s-%s-%s-%s-%s"
          .formatted(
              hex.substring(0, 8),
              hex.substring(8, 12),
              hex.substring(12, 16),
              hex.substring(16, 20),
              hex.substring(20));
    }
  }

  /** Where it sits: "0000:65:00.0". */
  public String pciBusId() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment text = arena.allocate(32);
      check(cuDeviceGetPCIBusId(text, 32, handle), "cuDeviceGetPCIBusId");
      return text.getString(0);
    }
  }

  /** The CUDA version that the driver knows: "13.0". */
  public static String driverVersion() {
    return CudaLibrary.DRIVER.load().version();
  }

  /** Page-locked host memory for copies from and to this device. */
  public PinnedBuffer allocatePinned(long bytes) {
    bind();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment pointer = arena.allocate(ValueLayout.ADDRESS);
      check(cuMemHostAlloc(pointer, bytes, CU_MEMHOSTALLOC_PORTABLE()), "cuMemHostAlloc");
      MemorySegment start = pointer.get(ValueLayout.ADDRESS, 0);
      return new PinnedBuffer(start.reinterpret(bytes), () -> freePinned(start));
    }
  }

  private void freePinned(MemorySegment start) {
    bind();
    checkFree(cuMemFreeHost(start), "cuMemFreeHost");
  }

  /** Whether allocations can be ordered within a stream: everywhere but under some hypervisors. */
  boolean hasMemoryPools() {
    return attribute(handle, CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED()) != 0;
  }

  /** Gives what the pool of stream-ordered allocations holds unused back to the device. */
  void trimMemoryPool() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment pool = arena.allocate(ValueLayout.ADDRESS);
      check(cuDeviceGetDefaultMemPool(pool, handle), "cuDeviceGetDefaultMemPool");
      check(cuMemPoolTrimTo(pool.get(ValueLayout.ADDRESS, 0), 0), "cuMemPoolTrimTo");
    }
  }

  private static int attribute(int handle, int attribute) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment value = arena.allocate(ValueLayout.JAVA_INT);
      check(cuDeviceGetAttribute(value, attribute, handle), "cuDeviceGetAttribute");
      return value.get(ValueLayout.JAVA_INT, 0);
    }
  }

  private static String versionText(int version) {
    return version / 1000 + "." + version % 1000 / 10;
  }

  /** Gives the context back; what was made on the device must be closed before. */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      BOUND.remove();
      checkFree(cuDevicePrimaryCtxRelease_v2(handle), "cuDevicePrimaryCtxRelease");
    }
  }

  @Override
  public String toString() {
    return "cuda:" + ordinal;
  }
}
