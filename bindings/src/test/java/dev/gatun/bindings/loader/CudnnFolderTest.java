package dev.gatun.bindings.loader;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** cuDNN's files must be together. */
class CudnnFolderTest {
  private static final List<String> PARTS =
      List.of(
          "",
          "_graph",
          "_ops",
          "_cnn",
          "_adv",
          "_heuristic",
          "_engines_precompiled",
          "_engines_runtime_compiled");

  @TempDir Path root;

  @Test
  void aWholeFolderPasses() throws IOException {
    install("a", PARTS);
    assertDoesNotThrow(this::check);
  }

  @Test
  void aSplitInstallationIsRefusedAndTheOtherFolderNamed() throws IOException {
    install("a", PARTS.subList(0, 3));
    install("b", PARTS);

    String message = assertThrows(LibraryLoadException.class, this::check).getMessage();

    for (String part :
        List.of(
            root.resolve("a") + " without libcudnn_cnn.so.9",
            "it is in " + root.resolve("b"),
            "GATUN_LIBRARY_PATH")) {
      assertTrue(message.contains(part), () -> part + " is not in: " + message);
    }
  }

  @Test
  void anIncompleteInstallationIsRefused() throws IOException {
    install("a", PARTS.subList(0, 1));

    String message = assertThrows(LibraryLoadException.class, this::check).getMessage();

    assertTrue(message.contains("libcudnn_graph.so.9 (it is nowhere else either)"), message);
  }

  private void check() {
    Map<String, String> properties =
        Map.of(
            "user.home",
            root.toString(),
            "gatun.library.path",
            root.resolve("a") + ":" + root.resolve("b"));
    Environment environment = new Environment(root, Map.of(), properties);
    CudnnFolder.check(root.resolve("a/libcudnn.so.9"), CudaLibrary.CUDNN.searchPath(environment));
  }

  private void install(String folder, List<String> parts) throws IOException {
    Files.createDirectories(root.resolve(folder));
    for (String part : parts) {
      Files.createFile(root.resolve(folder).resolve("libcudnn" + part + ".so.9"));
    }
  }
}
