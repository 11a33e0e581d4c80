package dev.gatun.bindings.loader;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** cuDNN is several files, which must be of one version: those beside libcudnn.so.9. */
final class CudnnFolder {
  private static final List<String> PARTS =
      List.of(
          "graph",
          "ops",
          "cnn",
          "adv",
          "heuristic",
          "engines_precompiled",
          "engines_runtime_compiled");

  private CudnnFolder() {}

  /**
   * Throws when a part is not beside the main file, naming the folder that has it if there is one.
   */
  static void check(Path libcudnn, SearchPath searchPath) {
    Path folder = libcudnn.resolveSibling("").toAbsolutePath();
    for (String part : PARTS) {
      String name = "libcudnn_" + part + ".so.9";
      if (!Files.isRegularFile(folder.resolve(name))) {
        String elsewhere =
            searchPath.find("cuDNN", name, "") instanceof SearchResult.Found found
                ? "it is in " + found.path().getParent()
                : "it is nowhere else either";
        throw new LibraryLoadException(
            "cuDNN: libcudnn.so.9 is in "
                + folder
                + " without "
                + name
                + " ("
                + elsewhere
                + "); all of cuDNN's files must be of one version in one folder:"
                + " set gatun.library.path (GATUN_LIBRARY_PATH) to a complete one,"
                + " or pip install --force-reinstall nvidia-cudnn-cu13",
            null);
      }
    }
  }
}
