package dev.gatun.bindings.loader;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The order of the places, on a machine made of empty files. */
class SearchPathTest {

  @TempDir Path root;
  private final Map<String, String> variables = new HashMap<>();
  private final Map<String, String> properties = new HashMap<>();

  @BeforeEach
  void home() {
    properties.put("user.home", root.resolve("home").toString());
  }

  @Test
  void placesComeInOrder() throws IOException {
    variables.put("GATUN_LIBRARY_PATH", at("explicit").toString());
    variables.put("VIRTUAL_ENV", at("venv").toString());
    variables.put("PATH", at("python/bin").toString());
    variables.put("CONDA_PREFIX", at("conda").toString());
    variables.put("LD_LIBRARY_PATH", at("ld").toString());
    variables.put("CUDNN_PATH", at("cudnn").toString());
    variables.put("CUDA_PATH", at("cudapath").toString());
    variables.put("CUDA_HOME", at("cudahome").toString());
    Files.setPosixFilePermissions(
        file("python/bin/python3"),
        java.nio.file.attribute.PosixFilePermissions.fromString("rwxr-xr-x"));
    write("etc/ld.so.conf", "# folders\ninclude /etc/ld.so.conf.d/*.conf\n");
    write("etc/ld.so.conf.d/cuda.conf", "/opt/configured\n");
    String wheel = "site-packages/nvidia/cudnn/lib/libcudnn.so.9";
    List<Path> expected =
        List.of(
            file("explicit/libcudnn.so.9"),
            file("venv/lib/python3.12/" + wheel),
            file("python/lib/python3.11/" + wheel),
            file("home/.local/lib/python3.13/" + wheel),
            file("home/.local/lib/python3.9/" + wheel),
            file("usr/local/lib/python3.11/dist-packages/nvidia/cudnn/lib/libcudnn.so.9"),
            file("home/.pyenv/versions/3.12.1/lib/python3.12/" + wheel),
            file("conda/lib/libcudnn.so.9"),
            file("ld/libcudnn.so.9"),
            file("opt/configured/libcudnn.so.9"),
            file("usr/lib/x86_64-linux-gnu/libcudnn.so.9"),
            file("cudnn/lib/libcudnn.so.9"),
            file("cudapath/lib64/libcudnn.so.9"),
            file("cudahome/lib64/libcudnn.so.9"),
            file("usr/local/cuda/lib64/libcudnn.so.9"),
            file("usr/local/cuda-13.1/lib64/libcudnn.so.9"),
            file("usr/local/cuda-13.0/lib64/libcudnn.so.9"));

    List<Path> actual = new ArrayList<>();
    while (CudaLibrary.CUDNN.find(environment()) instanceof SearchResult.Found found) {
      actual.add(found.path());
      Files.delete(found.path());
    }

    assertEquals(expected, actual);
  }

  @Test
  void thePropertyIsBeforeTheVariable() throws IOException {
    variables.put("GATUN_LIBRARY_PATH", at("variable").toString());
    properties.put("gatun.library.path", at("absent") + ":" + at("property"));
    file("variable/libcudart.so.13");
    Path expected = file("property/libcudart.so.13");

    var found = assertInstanceOf(SearchResult.Found.class, CudaLibrary.RUNTIME.find(environment()));

    assertEquals(expected, found.path());
    assertEquals("gatun.library.path or GATUN_LIBRARY_PATH", found.origin());
  }

  /** As on a desktop that has 32-bit games: their folder may come first. */
  @Test
  void filesFor32BitsAreNotTaken() throws IOException {
    write("etc/ld.so.conf", "/usr/lib/i386-linux-gnu\n");
    Files.write(file("usr/lib/i386-linux-gnu/libcuda.so.1"), elf(1));
    Path expected = file("usr/lib/x86_64-linux-gnu/libcuda.so.1");
    Files.write(expected, elf(2));

    var found = assertInstanceOf(SearchResult.Found.class, CudaLibrary.DRIVER.find(environment()));

    assertEquals(expected, found.path());
  }

  private static byte[] elf(int bits) {
    return new byte[] {0x7F, 'E', 'L', 'F', (byte) bits, 1, 1, 0};
  }

  @Test
  void whatIsMissingIsReportedWithEveryPlaceAndARemedy() throws IOException {
    variables.put("VIRTUAL_ENV", at("venv").toString());
    variables.put("CUDA_HOME", at("cudahome").toString());
    Files.createDirectories(at("venv/lib/python3.12/site-packages"));

    var missing =
        assertInstanceOf(SearchResult.Missing.class, CudaLibrary.NCCL.find(environment()));

    String text = new LibraryNotFoundException(missing).getMessage();
    assertTrue(text.startsWith("NCCL (libnccl.so.2) was not found."), text);
    for (String part :
        List.of(
            "gatun.library.path or GATUN_LIBRARY_PATH (not set)",
            "Python wheels: " + at("venv/lib/python3.12/site-packages/nvidia/nccl/lib"),
            "CONDA_PREFIX (not set)",
            "LD_LIBRARY_PATH (not set)",
            "CUDNN_PATH (not set)",
            "CUDA_PATH (not set)",
            "CUDA_HOME: " + at("cudahome/lib64"),
            "CUDA toolkits (no " + at("usr/local/cuda*") + ")",
            "pip install nvidia-nccl-cu13")) {
      assertTrue(text.contains(part), () -> part + " is not in:\n" + text);
    }
  }

  @Test
  void noWheelHasTheDriver() throws IOException {
    variables.put("VIRTUAL_ENV", at("venv").toString());
    file("venv/lib/python3.12/site-packages/nvidia/cu13/lib/libcuda.so.1");

    var missing =
        assertInstanceOf(SearchResult.Missing.class, CudaLibrary.DRIVER.find(environment()));

    assertTrue(missing.explanation().contains("install NVIDIA's driver"), missing.explanation());
  }

  private Environment environment() {
    return new Environment(root, variables, properties);
  }

  private Path at(String path) {
    return root.resolve(path);
  }

  private Path file(String path) throws IOException {
    return write(path, "");
  }

  private Path write(String path, String text) throws IOException {
    Files.createDirectories(at(path).getParent());
    return Files.writeString(at(path), text);
  }
}
