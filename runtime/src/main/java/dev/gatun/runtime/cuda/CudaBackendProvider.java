package dev.gatun.runtime.cuda;

import dev.gatun.bindings.loader.CudaLibrary;
import dev.gatun.bindings.loader.LibraryLoadException;
import dev.gatun.bindings.loader.SearchResult;
import dev.gatun.runtime.cuda.cublaslt.CublasLtException;
import dev.gatun.runtime.cuda.cudnn.CudnnException;
import dev.gatun.runtime.cuda.driver.CudaDevice;
import dev.gatun.runtime.cuda.driver.CudaException;
import dev.gatun.runtime.memory.OutOfDeviceMemoryException;
import dev.gatun.runtime.op.Backend;
import dev.gatun.runtime.op.BackendProvider;
import dev.gatun.runtime.op.BackendUnavailableException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Collectors;

/** Makes {@code "cuda"} known: {@code "cuda:1"} is the second GPU that the driver sees. */
public final class CudaBackendProvider implements BackendProvider {
  private static final System.Logger LOG = System.getLogger(CudaBackendProvider.class.getName());
  private static final List<CudaLibrary> NEEDED =
      List.of(CudaLibrary.NVRTC, CudaLibrary.CUBLASLT, CudaLibrary.CUDNN);

  @Override
  public String kind() {
    return "cuda";
  }

  /**
   * Whether there is a GPU that the driver lets be used, and all libraries. Where there is a driver
   * but no way to use it, the log says why.
   */
  @Override
  public boolean isAvailable() {
    if (CudaLibrary.DRIVER.find() instanceof SearchResult.Missing) {
      return false;
    }
    try {
      if (CudaDevice.count() == 0) {
        return false;
      }
      CudaDevice.requireUsable(0);
      requireLibraries();
      return true;
    } catch (LibraryLoadException | CudaException | IllegalArgumentException e) {
      LOG.log(
          System.Logger.Level.WARNING,
          "NVIDIA''s driver is here, but no GPU is used: {0}",
          e.getMessage());
      return false;
    }
  }

  /** The driver's GPUs; none where there is no driver, or one that does not start. */
  @Override
  public List<String> devices() {
    int count;
    try {
      count = CudaDevice.count();
    } catch (LibraryLoadException | CudaException e) {
      return List.of(); // opening one says why
    }
    List<String> devices = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      try (CudaDevice device = CudaDevice.open(i)) {
        devices.add(device + ": " + device.describe());
      } catch (CudaException | IllegalArgumentException e) {
        devices.add("cuda:" + i + ": " + e.getMessage());
      }
    }
    return devices;
  }

  @Override
  public int priority() {
    return 1;
  }

  @Override
  public Backend open(int index, boolean deterministic) {
    try {
      CudaDevice.requireUsable(index); // the driver first: without it the others are no use
      requireLibraries();
      return open(new CudaSession(index, deterministic));
    } catch (LibraryLoadException
        | CudaException
        | CudnnException
        | CublasLtException
        | OutOfDeviceMemoryException
        | IllegalArgumentException e) {
      throw new BackendUnavailableException("device cuda:" + index + ": " + e.getMessage(), e);
    }
  }

  private static Backend open(CudaSession session) {
    try {
      return new CudaBackend(session);
    } catch (RuntimeException | Error e) {
      try {
        session.close();
      } catch (RuntimeException also) {
        e.addSuppressed(also);
      }
      throw e;
    }
  }

  /** Loads what the backend calls; where several are missing, one message says so. */
  private static void requireLibraries() {
    List<SearchResult.Missing> missing = new ArrayList<>();
    for (CudaLibrary library : NEEDED) {
      if (library.find() instanceof SearchResult.Missing nowhere) {
        missing.add(nowhere);
      }
    }
    if (missing.size() > 1) {
      throw new IllegalArgumentException(
          "%s were not found: %s; gatun info --verbose lists every place tried"
              .formatted(
                  join(" and ", missing, m -> m.library() + " (" + m.fileName() + ")"),
                  join("; ", missing, SearchResult.Missing::remedy)));
    }
    NEEDED.forEach(CudaLibrary::load);
  }

  private static <T> String join(String between, List<T> values, Function<T, String> text) {
    return values.stream().map(text).collect(Collectors.joining(between));
  }
}
