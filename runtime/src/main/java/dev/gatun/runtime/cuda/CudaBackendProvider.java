package dev.gatun.runtime.cuda;

import dev.gatun.bindings.loader.LibraryLoadException;
import dev.gatun.runtime.cuda.driver.CudaDevices;
import dev.gatun.runtime.op.Backend;
import dev.gatun.runtime.op.BackendProvider;
import dev.gatun.runtime.op.BackendUnavailableException;

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
      devices = CudaDevices.count();
    } catch (LibraryLoadException | IllegalStateException e) {
      throw new BackendUnavailableException(device + ": " + e.getMessage(), e);
    }
    if (index >= devices) {
      throw new BackendUnavailableException(
          device + ": the driver sees " + devices + " GPUs; use the device cpu", null);
    }
    throw new BackendUnavailableException(
        device + ": this version of Gatun cannot compute on GPUs yet; use the device cpu", null);
  }
}
