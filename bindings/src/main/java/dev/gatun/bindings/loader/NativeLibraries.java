package dev.gatun.bindings.loader;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/** The state of every native library on this machine, for people to read. */
public final class NativeLibraries {
  private NativeLibraries() {}

  /** What became of an attempt to load a library. */
  public sealed interface Status {
    /** What people call the library. */
    String library();

    /** It is loaded and works. */
    record Available(String library, LoadedLibrary loaded) implements Status {}

    /** It is missing or cannot be loaded; the problem says why and what to do. */
    record Unavailable(String library, LibraryLoadException problem) implements Status {}
  }

  /** Loads every library that can be loaded; oneDNN first. */
  public static List<Status> report() {
    List<Status> report = new ArrayList<>();
    report.add(status("oneDNN", OneDnnLibrary::load));
    for (CudaLibrary library : CudaLibrary.values()) {
      report.add(status(library.title(), library::load));
    }
    return List.copyOf(report);
  }

  private static Status status(String name, Supplier<LoadedLibrary> load) {
    try {
      return new Status.Available(name, load.get());
    } catch (LibraryLoadException e) {
      return new Status.Unavailable(name, e);
    }
  }
}
