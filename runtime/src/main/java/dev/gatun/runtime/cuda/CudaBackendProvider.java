package dev.gatun.runtime.cuda;

import dev.gatun.bindings.loader.CudaLibrary;
import dev.gatun.bindings.loader.LibraryLoadException;
import dev.gatun.runtime.cuda.driver.CudaDevice;
import dev.gatun.runtime.cuda.driver.CudaException;
import dev.gatun.runtime.op.Backend;
import dev.gatun.runtime.op.BackendProvider;
import dev.gatun.runtime.op.BackendUnavailableException;
import java.util.List;

/**
 * Makes {@code "cuda"} known: {@code "cuda:1"} is the second GPU that the driver sees. The system
 * property {@code gatun.deterministic} or the environment variable {@code GATUN_DETERMINISTIC} says
 * {@code true} where only algorithms that give the same bits each time may be used.
 */
public final class CudaBackendProvider implements BackendProvider {
  private static final List<CudaLibrary> NEEDED =
      List.of(CudaLibrary.NVRTC, CudaLibrary.CUBLASLT, CudaLibrary.CUDNN);

  @Override
  public String kind() {
    return "cuda";
  }

  /** Whether there is a GPU that the driver lets be used, and all libraries. */
  @Override
  public boolean isAvailable() {
    try {
      if (CudaDevice.count() == 0) {
        return false;
      }
      CudaDevice.open(0).close();
      NEEDED.forEach(CudaLibrary::load);
      return true;
    } catch (LibraryLoadException | CudaException | IllegalArgumentException e) {
      return false;
    }
  }

  @Override
  public int priority() {
    return 1;
  }

  @Override
  public Backend open(int index) {
    try {
      CudaDevice.count(); // the driver first: without it the others are no use
      NEEDED.forEach(CudaLibrary::load);
      return new CudaBackend(new CudaSession(index, deterministic()));
    } catch (LibraryLoadException | CudaException | IllegalArgumentException e) {
      throw new BackendUnavailableException("device cuda:" + index + ": " + e.getMessage(), e);
    }
  }

  private static boolean deterministic() {
    return Boolean.parseBoolean(
        System.getProperty("gatun.deterministic", System.getenv("GATUN_DETERMINISTIC")));
  }
}
