package dev.gatun.runtime.cuda;

import dev.gatun.bindings.loader.CudaLibrary;
import dev.gatun.bindings.loader.LibraryLoadException;
import dev.gatun.bindings.loader.SearchResult;
import dev.gatun.runtime.cuda.driver.CudaDevice;
import dev.gatun.runtime.cuda.driver.CudaException;
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

  /** Whether there is a GPU that the driver lets be used, and all libraries. */
  @Override
  public boolean isAvailable() {
    try {
      CudaDevice.requireUsable(0);
    } catch (LibraryLoadException | CudaException | IllegalArgumentException e) {
      return false;
    }
    try {
      requireLibraries();
      return true;
    } catch (LibraryLoadException | IllegalArgumentException e) {
      LOG.log(
          System.Logger.Level.WARNING, "There is a GPU, but it is not used: {0}", e.getMessage());
      return false;
    }
  }

  /** The driver's GPUs; none where there is no driver, or one that does not start. */
  @Override
  public List<String> devices() {
    List<String> devices = new ArrayList<>();
    try {
      for (int i = 0; i < CudaDevice.count(); i++) {
        try (CudaDevice device = CudaDevice.open(i)) {
          devices.add(device + ": " + device.describe());
        }
      }
    } catch (LibraryLoadException | CudaException | IllegalArgumentException e) {
      return devices; // opening one says why
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
    } catch (LibraryLoadException | CudaException | IllegalArgumentException e) {
      throw new BackendUnavailableException("device cuda:" + index + ": " + e.getMessage(), e);
    }
  }

  private static Backend open(CudaSession session) {
    try {
      return new CudaBackend(session);
    } catch (RuntimeException | Error e) {
      session.close();
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
