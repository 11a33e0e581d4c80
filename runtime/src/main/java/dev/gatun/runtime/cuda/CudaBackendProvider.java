package dev.gatun.runtime.cuda;

import dev.gatun.bindings.cuda.Cuda;
import dev.gatun.bindings.loader.CudaLibrary;
import dev.gatun.bindings.loader.LibraryLoadException;
import dev.gatun.runtime.op.Backend;
import dev.gatun.runtime.op.BackendProvider;
import dev.gatun.runtime.op.BackendUnavailableException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Makes {@code "cuda"} known: it says what of a GPU is here, and that this version does not run on
 * it yet.
 */
public final class CudaBackendProvider implements BackendProvider {

  @Override
  public String kind() {
    return "cuda";
  }

  @Override
  public boolean isAvailable() {
    return false;
  }

  @Override
  public int priority() {
    return 1;
  }

  @Override
  public Backend open(int index) {
    String device = "device cuda:" + index;
    int devices;
    try {
      CudaLibrary.DRIVER.load();
      devices = deviceCount();
    } catch (LibraryLoadException e) {
      throw new BackendUnavailableException(device + ": " + e.getMessage(), e);
    }
    if (index >= devices) {
      throw new BackendUnavailableException(
          device + ": the driver sees " + devices + " GPUs; use --device cpu", null);
    }
    throw new BackendUnavailableException(
        device + ": this version of Gatun cannot compute on GPUs yet; use --device cpu", null);
  }

  /** What the driver sees; 0 where it does not start. */
  private static int deviceCount() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment count = arena.allocate(ValueLayout.JAVA_INT);
      boolean started =
          Cuda.cuInit(0) == Cuda.CUDA_SUCCESS()
              && Cuda.cuDeviceGetCount(count) == Cuda.CUDA_SUCCESS();
      return started ? count.get(ValueLayout.JAVA_INT, 0) : 0;
    }
  }
}
