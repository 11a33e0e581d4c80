package dev.gatun.examples.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.gatun.bindings.loader.CudaLibrary;
import dev.gatun.bindings.loader.SearchResult;
import dev.gatun.runtime.cuda.CudaEmulator;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What {@code --device cuda} says where it cannot be had: one line each, from a program of its own
 * whose libraries are emulated or left out.
 */
final class CudaErrorsTest {
  private static final Path EMULATOR =
      Path.of("../runtime/target/cuda-emulator").toAbsolutePath().normalize();

  @TempDir private Path folder;

  @Test
  void noDriver() throws IOException, InterruptedException {
    requireNowhere(CudaLibrary.DRIVER);
    assertSays(
        run("cuda", folder, ""),
        "device cuda:0: CUDA driver (libcuda.so.1) was not found: install NVIDIA's driver, 580 or"
            + " later");
  }

  @Test
  void aDriverThatIsTooOld() throws IOException, InterruptedException {
    CudaEmulator.build(EMULATOR);
    assertSays(
        run("cuda", EMULATOR, "driver_version=12080"),
        "device cuda:0: CUDA driver: this one knows CUDA 12.8, expected 13.0 or later: install"
            + " NVIDIA's driver, 580 or later");
  }

  @Test
  void noDevice() throws IOException, InterruptedException {
    CudaEmulator.build(EMULATOR);
    assertSays(
        run("cuda", EMULATOR, "devices=0"),
        "device cuda:0: the driver sees no GPU: nvidia-smi should list one, and"
            + " CUDA_VISIBLE_DEVICES not hide it");
  }

  @Test
  void anIndexThatIsTooLarge() throws IOException, InterruptedException {
    CudaEmulator.build(EMULATOR);
    assertSays(
        run("cuda:2", EMULATOR, "devices=2"), "device cuda:2: there are 2 GPUs, cuda:0 to cuda:1");
    assertSays(
        run("cuda:1", EMULATOR, "devices=1"),
        "device cuda:1: there is one GPU, it is called cuda or cuda:0");
  }

  @Test
  void noCudnn() throws IOException, InterruptedException {
    CudaEmulator.build(EMULATOR);
    requireNowhere(CudaLibrary.CUDNN);
    copyAll(name -> !name.startsWith("libcudnn"));
    assertSays(
        run("cuda", folder, ""),
        "device cuda:0: cuDNN (libcudnn.so.9) was not found: pip install nvidia-cudnn-cu13, or set"
            + " gatun.library.path");
  }

  @Test
  void severalLibrariesAreMissing() throws IOException, InterruptedException {
    CudaEmulator.build(EMULATOR);
    requireNowhere(CudaLibrary.CUDNN);
    requireNowhere(CudaLibrary.CUBLASLT);
    copyAll(name -> !name.startsWith("libcu") || name.startsWith("libcuda."));
    assertSays(
        run("cuda", folder, ""),
        "device cuda:0: cuBLASLt (libcublasLt.so.13) and cuDNN (libcudnn.so.9) were not found: pip"
            + " install nvidia-cublas");
  }

  @Test
  void cudnnInTwoFolders() throws IOException, InterruptedException {
    CudaEmulator.build(EMULATOR);
    Path other = Files.createDirectory(folder.resolve("other"));
    copyAll(name -> !name.startsWith("libcudnn_cnn."));
    copy(EMULATOR.resolve("libcudnn_cnn.so.9"), other);
    assertSays(
        run("cuda", folder + ":" + other, ""),
        "device cuda:0: cuDNN: libcudnn.so.9 is in "
            + folder
            + " without libcudnn_cnn.so.9 (it is in "
            + other
            + ")");
  }

  /** Before a run is begun: nothing is written. */
  @Test
  void tooLittleMemory() throws IOException, InterruptedException {
    CudaEmulator.build(EMULATOR);
    Path run = folder.resolve("run");
    List<String> train =
        List.of("train", "mnist", "--device", "cuda", "--steps", "1", "--batch-size", "1000");
    List<String> lines =
        run(EMULATOR, "memory=1000000000", train, "--out", run.toString()).lines().toList();
    assertTrue(
        lines
            .getLast()
            .matches(
                "gatun: training with batches of 1,000 needs [0-9,]+ MiB \\([0-9,]+ MiB for"
                    + " weights, moments, averages and a small data set, [0-9,]+ MiB for the"
                    + " step, [0-9,]+ MiB for samples on the way, up to [0-9,]+ MiB for the"
                    + " libraries' scratch\\), [0-9,]+ MiB are free: a batch size of"
                    + " \\d\\d\\d? fits"),
        lines.toString());
    assertTrue(Files.notExists(run), "nothing is written");
  }

  private static void requireNowhere(CudaLibrary library) {
    assumeTrue(
        library.find() instanceof SearchResult.Missing,
        "skipped: " + library.title() + " is installed here");
  }

  private void copyAll(Predicate<String> names) throws IOException {
    try (Stream<Path> files = Files.list(EMULATOR)) {
      for (Path file : files.filter(f -> f.getFileName().toString().contains(".so")).toList()) {
        if (names.test(file.getFileName().toString())) {
          copy(file, folder);
        }
      }
    }
  }

  private static void copy(Path file, Path into) throws IOException {
    Files.copy(file, into.resolve(file.getFileName()));
  }

  /** Draws a sample on {@code device} with the libraries in {@code path}; what it printed. */
  private String run(String device, Object path, String emulator)
      throws IOException, InterruptedException {
    List<String> sample = List.of("sample", "mnist", "--device", device, "--steps", "1");
    return run(path, emulator, sample, "--out", folder.resolve("digits.png").toString());
  }

  private String run(Object path, String emulator, List<String> command, String... more)
      throws IOException, InterruptedException {
    List<String> line =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-Xmx512m",
                "--enable-native-access=ALL-UNNAMED",
                "-Dgatun.library.path=" + path,
                "-Duser.home=" + folder,
                "-cp",
                System.getProperty("java.class.path"),
                Gatun.class.getName()));
    line.addAll(command);
    line.addAll(List.of(more));
    ProcessBuilder builder = new ProcessBuilder(line).redirectErrorStream(true);
    builder.environment().clear(); // it may name folders with libraries
    builder.environment().put("GATUN_EMULATOR", emulator);
    Process process = builder.start();
    String output =
        new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
    assertEquals(1, process.waitFor(), output);
    return output;
  }

  private static void assertSays(String output, String start) {
    List<String> lines = new ArrayList<>(output.lines().toList());
    assertTrue(lines.size() == 1 && lines.getFirst().startsWith("gatun: " + start), output);
  }
}
