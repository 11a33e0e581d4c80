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
   * How many the driver sees.
   *
   * @throws LibraryLoadException when there is no driver, with every place that was tried
   * @throws IllegalStateException when the driver does not start, with its status
   */
  public static int count() {
    CudaLibrary.DRIVER.load();
    try (Arena arena = Arena.ofConfined()) {
      int status = Cuda.cuInit(0);
      if (status == Cuda.CUDA_ERROR_NO_DEVICE()) {
        return 0;
      }
      check(status, "cuInit");
      MemorySegment count = arena.allocate(ValueLayout.JAVA_INT);
      check(Cuda.cuDeviceGetCount(count), "cuDeviceGetCount");
      return count.get(ValueLayout.JAVA_INT, 0);
    }
  }

  private static void check(int status, String call) {
    if (status != Cuda.CUDA_SUCCESS()) {
      throw new IllegalStateException(
          call
              + " returned status "
              + status
              + ": the driver does not start, nvidia-smi may say why");
    }
  }
}
