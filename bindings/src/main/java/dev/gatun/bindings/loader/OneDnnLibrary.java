package dev.gatun.bindings.loader;

import dev.gatun.bindings.onednn.OneDnn;
import dev.gatun.bindings.onednn.dnnl_version_t;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.bytedeco.javacpp.Loader;
import org.jspecify.annotations.Nullable;

/**
 * oneDNN's shared library: the file that the property gatun.onednn.path or the variable
 * GATUN_ONEDNN_PATH names, else the one inside the jar org.bytedeco:dnnl, unpacked once into a
 * cache (~/.javacpp/cache, or what gatun.cache or GATUN_CACHE names). None of JavaCPP's JNI code is
 * loaded.
 */
public final class OneDnnLibrary {
  private static final String NAME = "oneDNN";
  private static final String FILE = "libdnnl.so.3";
  private static final String PROPERTY = "gatun.onednn.path";
  private static final String VARIABLE = "GATUN_ONEDNN_PATH";
  private static final String REMEDY =
      "put org.bytedeco:dnnl:3.11-1.5.13 with classifier "
          + Loader.getPlatform()
          + " on the class path,"
          + " or set gatun.onednn.path (GATUN_ONEDNN_PATH) to a libdnnl.so.3";

  private static @Nullable LoadedLibrary loaded;

  private OneDnnLibrary() {}

  /**
   * Loads oneDNN and its OpenMP runtime, once; after that every function of {@link OneDnn} works.
   *
   * @throws LibraryNotFoundException when no jar and no setting names a library
   * @throws LibraryLoadException when it cannot be unpacked or loaded
   */
  public static synchronized LoadedLibrary load() {
    if (loaded == null) {
      loaded = load(Environment.ofProcess());
    }
    return loaded;
  }

  private static LoadedLibrary load(Environment environment) {
    // libgomp reads these once, in its constructor. Its threads must not spin against Java's.
    ProcessEnvironment.setIfAbsent("OMP_WAIT_POLICY", "passive");
    ProcessEnvironment.setIfAbsent("GOMP_SPINCOUNT", "0");
    Path file = explicitFile(environment);
    if (file == null) {
      file = unpack(environment, FILE);
      // libdnnl finds libgomp by its soname, because it is in the process already.
      SharedObjects.load("libgomp", unpack(environment, "libgomp.so.1"));
    }
    SharedObjects.load(NAME, file);
    return new LoadedLibrary(NAME, file, version());
  }

  static @Nullable Path explicitFile(Environment environment) {
    String explicit = environment.setting(PROPERTY, VARIABLE);
    if (explicit == null) {
      return null;
    }
    Path file = Path.of(explicit).toAbsolutePath();
    if (!Files.isRegularFile(file)) {
      throw notFound(List.of(PROPERTY + " or " + VARIABLE + ": " + file));
    }
    return file;
  }

  private static LibraryNotFoundException notFound(List<String> tried) {
    return new LibraryNotFoundException(new SearchResult.Missing(NAME, FILE, tried, REMEDY));
  }

  private static String version() {
    MemorySegment version = OneDnn.dnnl_version().reinterpret(dnnl_version_t.sizeof());
    return dnnl_version_t.major(version)
        + "."
        + dnnl_version_t.minor(version)
        + "."
        + dnnl_version_t.patch(version);
  }

  /** JavaCPP's cache is safe against other processes: it locks, then compares size and time. */
  private static Path unpack(Environment environment, String file) {
    String cache = environment.setting("gatun.cache", "GATUN_CACHE");
    if (cache != null && System.getProperty("org.bytedeco.javacpp.cachedir") == null) {
      System.setProperty("org.bytedeco.javacpp.cachedir", Path.of(cache, "javacpp").toString());
    }
    URL resource = resource(file);
    if (resource == null) {
      throw notFound(
          List.of(
              PROPERTY + " or " + VARIABLE + " (not set)", "class path: " + resourceName(file)));
    }
    try {
      return Loader.cacheResource(resource).toPath().toAbsolutePath();
    } catch (IOException e) {
      throw new LibraryLoadException(
          NAME
              + ": cannot unpack "
              + resource
              + " into the cache: "
              + e.getMessage()
              + "; set gatun.cache or GATUN_CACHE to a folder that can be written",
          e);
    }
  }

  private static @Nullable URL resource(String file) {
    return OneDnnLibrary.class.getClassLoader().getResource(resourceName(file));
  }

  private static String resourceName(String file) {
    return "org/bytedeco/dnnl/" + Loader.getPlatform() + "/" + file;
  }
}
