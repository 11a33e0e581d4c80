package dev.gatun.runtime.cuda.driver;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.runtime.cuda.CudaEmulator;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is compiled, and what is taken from the disk. */
@Tag("cuda-emulator")
final class KernelCompilerTest {
  private static final KernelSource SOURCE =
      new KernelSource(
          "square", "#include \"b.cuh\"\n", Map.of("b.cuh", "// b\n"), List.of("--std=c++17"));

  @TempDir private Path folder;

  @BeforeAll
  static void build() {
    CudaEmulator.require();
  }

  private KernelCompiler compiler() {
    return new KernelCompiler(new CacheFolder(folder.resolve("kernels")));
  }

  private List<Path> files() throws IOException {
    try (Stream<Path> files = Files.list(folder.resolve("kernels"))) {
      return files.toList();
    }
  }

  @Test
  void keepsWhatItCompiled() throws IOException {
    byte[] cubin = compiler().cubin(SOURCE, "sm_90");
    assertEquals(1, files().size(), "one file, and no part of one: " + files());
    Path file = files().getFirst();
    assertTrue(file.getFileName().toString().startsWith("square-sm_90-"), file.toString());

    // Other content under a right checksum is what another process would have put there.
    byte[] other = "other".getBytes(StandardCharsets.UTF_8);
    new CacheFolder(folder.resolve("kernels")).write(file.getFileName().toString(), other);
    assertArrayEquals(other, compiler().cubin(SOURCE, "sm_90"), "taken from the disk");

    for (int length : new int[] {0, 20, 32, (int) Files.size(file) - 1}) {
      Files.write(file, Arrays.copyOf(Files.readAllBytes(file), length));
      assertArrayEquals(cubin, compiler().cubin(SOURCE, "sm_90"), "cut to " + length + " bytes");
    }
    byte[] changed = Files.readAllBytes(file);
    changed[changed.length - 1] ^= 1;
    Files.write(file, changed);
    assertArrayEquals(cubin, compiler().cubin(SOURCE, "sm_90"), "one bit changed");
    changed[changed.length - 1] ^= 1;
    assertArrayEquals(changed, Files.readAllBytes(file), "mended on the disk too");
  }

  /** All that decides the result decides the name. */
  @Test
  void keepsThemApart() {
    Set<String> names = new TreeSet<>();
    List<KernelSource> sources =
        List.of(
            SOURCE,
            new KernelSource("square", SOURCE.text() + "\n", SOURCE.headers(), SOURCE.options()),
            new KernelSource("square", SOURCE.text(), Map.of("b.cuh", "// c\n"), SOURCE.options()),
            new KernelSource("square", SOURCE.text(), Map.of("c.cuh", "// b\n"), SOURCE.options()),
            new KernelSource(
                "square", SOURCE.text(), SOURCE.headers(), List.of("--std=c++17", "--fmad=false")),
            new KernelSource("cube", SOURCE.text(), SOURCE.headers(), SOURCE.options()));
    for (KernelSource source : sources) {
      for (String architecture : List.of("sm_80", "sm_90")) {
        names.add(KernelCompiler.fileName(source, architecture));
      }
    }
    assertEquals(2 * sources.size(), names.size(), names.toString());
    assertEquals(
        KernelCompiler.fileName(SOURCE, "sm_90"), KernelCompiler.fileName(SOURCE, "sm_90"));
  }

  @Test
  void saysWhatDoesNotCompile() {
    KernelSource source = new KernelSource("square", SOURCE.text(), Map.of(), List.of());
    CudaException e = assertThrows(CudaException.class, () -> compiler().cubin(source, "sm_90"));
    assertTrue(
        e.getMessage().startsWith("NVRTC 13.0: square.cu does not compile for sm_90")
            && e.getMessage().contains("cannot open source file \"b.cuh\""),
        e.getMessage());
  }

  /** A cache that cannot be written costs time alone. */
  @Test
  void worksWithoutADisk() throws IOException {
    Files.writeString(folder.resolve("kernels"), "a file where the folder should be");
    assertNotEquals(0, compiler().cubin(SOURCE, "sm_90").length);
    assertNull(new CacheFolder(folder.resolve("kernels")).read("square"));
  }

  @Test
  void readsOptionsAndHeadersOfAResource() {
    KernelSource source = KernelSource.ofResource(KernelCompilerTest.class, "square");
    assertEquals(List.of("--std=c++17", "--fmad=false", "-lineinfo"), source.options());
    assertEquals(Set.of("square.cuh", "number.cuh"), source.headers().keySet());
    assertThrows(
        IllegalArgumentException.class,
        () -> KernelSource.ofResource(KernelCompilerTest.class, "cube"));
  }
}
