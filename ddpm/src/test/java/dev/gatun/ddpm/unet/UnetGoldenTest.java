package dev.gatun.ddpm.unet;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.gatun.ddpm.GoldenFile;
import dev.gatun.runtime.memory.DeviceArena;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Networks against PyTorch: see {@code src/test/golden/README.md}. */
@Tag("every-device")
class UnetGoldenTest {
  /** A file that {@code unets.py --full} wrote. */
  private static final String FILE = "gatun.golden";

  private final int arenas = DeviceArena.openArenas();

  @AfterEach
  void allArenasAreClosed() {
    assertEquals(arenas, DeviceArena.openArenas(), "open arenas");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "ddpm_unet_gray",
        "ddpm_unet_rgb",
        "ddpm_unet_flat",
        "mnist_unet",
        "simple_unet_gray",
        "simple_unet_rgb",
        "easy_unet_rgb",
        "easy_unet_silu",
        "cifar_unet_gray",
        "cifar_unet_rgb"
      })
  void agreesWithPytorch(String name) {
    check(new GoldenFile(name + ".safetensors"), 1e-5);
  }

  @Test
  void agreesWithPytorchAtItsDocumentedSize() {
    String file = System.getProperty(FILE);
    assumeTrue(
        file != null, "takes a file of unets.py --full, named by -D" + FILE + "=FILE.safetensors");
    check(GoldenFile.open(Path.of(file)), 1e-4);
  }

  private static void check(GoldenFile golden, double training) {
    try (GoldenRun run = new GoldenRun(golden)) {
      run.checkNames();
      run.checkOutputAndGradients();
    }
    try (GoldenRun run = new GoldenRun(golden)) {
      run.checkSampling();
      run.checkTraining(training);
    }
  }
}
