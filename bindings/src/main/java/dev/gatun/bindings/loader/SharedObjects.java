package dev.gatun.bindings.loader;

import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;

/**
 * Loads files into the class loader of this module, which is where the generated classes look their
 * symbols up. Each file is loaded once; any thread may call.
 */
final class SharedObjects {
  private static final Set<Path> LOADED = new HashSet<>();

  private SharedObjects() {}

  @SuppressWarnings("restricted") // this module is what is granted native access
  static synchronized void load(String library, Path file) {
    Path absolute = file.toAbsolutePath();
    if (LOADED.contains(absolute)) {
      return;
    }
    try {
      System.load(absolute.toString());
    } catch (UnsatisfiedLinkError e) {
      throw new LibraryLoadException(
          library + ": the dynamic loader refused " + absolute + ": " + e.getMessage(), e);
    }
    LOADED.add(absolute);
  }
}
