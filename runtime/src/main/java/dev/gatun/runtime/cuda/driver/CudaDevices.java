package dev.gatun.runtime.cuda.driver;

import dev.gatun.bindings.cuda.Cuda;
import dev.gatun.bindings.loader.CudaLibrary;
import dev.gatun.bindings.loader.LibraryLoadException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** The GPUs of this machine. */
public final class CudaDevices {
  private CudaDevices() {}

  /**
   * How many the driver sees; 0 where it does not start.
   *
   * @throws LibraryLoadException when there is no driver, with every place that was tried
   */
  public static int count() {
    CudaLibrary.DRIVER.load();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment count = arena.allocate(ValueLayout.JAVA_INT);
      boolean started =
          Cuda.cuInit(0) == Cuda.CUDA_SUCCESS()
              && Cuda.cuDeviceGetCount(count) == Cuda.CUDA_SUCCESS();
      return started ? count.get(ValueLayout.JAVA_INT, 0) : 0;
    }
  }
}
