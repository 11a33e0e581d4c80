package dev.gatun.runtime.cuda.driver;

import static dev.gatun.bindings.cuda.Cuda.*;
import static dev.gatun.runtime.cuda.driver.CudaStatus.check;
import static dev.gatun.runtime.cuda.driver.CudaStatus.checkFree;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.atomic.AtomicInteger;

/** Compiled kernels in a device's context. */
public final class KernelModule implements AutoCloseable {
  private static final AtomicInteger OPEN = new AtomicInteger();

  private final CudaDevice device;
  private final String name;
  private final MemorySegment handle;
  private boolean closed;

  /** Loads {@code cubin}, which was compiled for the device's architecture. */
  public KernelModule(CudaDevice device, String name, byte[] cubin) {
    this.device = device;
    this.name = name;
    device.bind();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment image = arena.allocate(cubin.length + 1L, 16); // and a zero behind it
      MemorySegment.copy(cubin, 0, image, ValueLayout.JAVA_BYTE, 0, cubin.length);
      MemorySegment pointer = arena.allocate(ValueLayout.ADDRESS);
      check(cuModuleLoadData(pointer, image), "cuModuleLoadData(" + name + ")");
      handle = pointer.get(ValueLayout.ADDRESS, 0);
    }
    OPEN.incrementAndGet();
  }

  /** How many modules of this process are not closed. */
  public static int openModules() {
    return OPEN.get();
  }

  /**
   * The kernel whose entry point is {@code kernel}; look it up once.
   *
   * @throws CudaException when the module has none of that name
   */
  public CudaKernel kernel(String kernel) {
    device.bind();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment pointer = arena.allocate(ValueLayout.ADDRESS);
      check(
          cuModuleGetFunction(pointer, handle, arena.allocateFrom(kernel)),
          "cuModuleGetFunction(" + name + ", " + kernel + ")");
      return new CudaKernel(kernel, pointer.get(ValueLayout.ADDRESS, 0));
    }
  }

  /** Unloads it; its kernels must not be launched any more. */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      OPEN.decrementAndGet();
      device.bind();
      checkFree(cuModuleUnload(handle), "cuModuleUnload");
    }
  }
}
