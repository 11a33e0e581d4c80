package dev.gatun.bindings.loader;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.gatun.bindings.onednn.OneDnn;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OneDnnLibraryTest {

  @TempDir Path folder;

  @Test
  void everyThreadGetsTheSameLibrary() throws Exception {
    List<Future<LoadedLibrary>> loads = new ArrayList<>();
    try (ExecutorService threads = Executors.newFixedThreadPool(8)) {
      for (int i = 0; i < 8; i++) {
        loads.add(threads.submit(OneDnnLibrary::load));
      }
    }
    LoadedLibrary first = loads.getFirst().get();
    for (Future<LoadedLibrary> load : loads) {
      assertSame(first, load.get());
    }
    assertTrue(first.path().isAbsolute() && Files.isRegularFile(first.path()), first.toString());
    assertEquals(
        OneDnn.DNNL_VERSION_MAJOR() + "." + OneDnn.DNNL_VERSION_MINOR(),
        first.version().replaceFirst("\\.\\d+$", ""));
  }

  @Test
  void noJniCodeOfJavaCppIsInTheProcess() throws IOException {
    Path maps = Path.of("/proc/self/maps");
    assumeTrue(Files.isReadable(maps), "no /proc/self/maps");
    Path library = OneDnnLibrary.load().path();
    Set<String> files;
    try (Stream<String> lines = Files.lines(maps)) {
      files =
          lines
              .filter(line -> line.contains(" /"))
              .map(line -> line.substring(line.indexOf(" /") + 1))
              .collect(Collectors.toSet());
    }
    assertTrue(files.contains(library.toString()), files.toString());
    assertTrue(files.contains(library.resolveSibling("libgomp.so.1").toString()), files.toString());
    assertTrue(files.stream().noneMatch(file -> file.contains("libjni")), files.toString());
  }

  @Test
  void openMpThreadsAreToldNotToSpin() throws Throwable {
    assumeTrue(System.getenv("OMP_WAIT_POLICY") == null, "OMP_WAIT_POLICY is set from outside");
    OneDnnLibrary.load();
    assertEquals("passive", environmentVariable("OMP_WAIT_POLICY"));
  }

  @Test
  void whatTheUserSetStays() throws Throwable {
    ProcessEnvironment.setIfAbsent("GATUN_TEST_VARIABLE", "first");
    ProcessEnvironment.setIfAbsent("GATUN_TEST_VARIABLE", "second");
    assertEquals("first", environmentVariable("GATUN_TEST_VARIABLE"));
  }

  @Test
  void anExplicitPathWinsAndMustExist() throws IOException {
    Path property = Files.createFile(folder.resolve("libdnnl.so.3"));
    Path absent = folder.resolve("absent.so");
    Map<String, String> variables = Map.of("GATUN_ONEDNN_PATH", absent.toString());

    assertNull(OneDnnLibrary.explicitFile(new Environment(folder, Map.of(), Map.of())));
    assertEquals(
        property,
        OneDnnLibrary.explicitFile(
            new Environment(folder, variables, Map.of("gatun.onednn.path", property.toString()))));
    String message =
        assertThrows(
                LibraryNotFoundException.class,
                () -> OneDnnLibrary.explicitFile(new Environment(folder, variables, Map.of())))
            .getMessage();
    assertTrue(message.contains("GATUN_ONEDNN_PATH: " + absent), message);
    assertTrue(message.contains("org.bytedeco:dnnl"), message);
  }

  /** Two processes that start on an empty cache at once both work, and leave whole files. */
  @Test
  void processesShareOneCache() throws Exception {
    List<Process> processes = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      processes.add(
          new ProcessBuilder(
                  Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                  "--enable-native-access=ALL-UNNAMED",
                  "-Dgatun.cache=" + folder,
                  "-cp",
                  System.getProperty("java.class.path"),
                  LoadOneDnn.class.getName())
              .redirectErrorStream(true)
              .start());
    }
    for (Process process : processes) {
      String output = new String(process.getInputStream().readAllBytes());
      assertEquals(0, process.waitFor(), output);
      assertTrue(output.contains(folder.toString()), output);
    }
  }

  /** A program that loads oneDNN and says from where. */
  static final class LoadOneDnn {
    public static void main(String[] arguments) {
      System.out.println(OneDnnLibrary.load());
    }
  }

  private static String environmentVariable(String name) throws Throwable {
    Linker linker = Linker.nativeLinker();
    var getenv =
        linker.downcallHandle(
            linker.defaultLookup().findOrThrow("getenv"),
            FunctionDescriptor.of(ValueLayout.ADDRESS, ValueLayout.ADDRESS));
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment value = (MemorySegment) getenv.invokeExact(arena.allocateFrom(name));
      assertNotNull(value);
      return value.reinterpret(256).getString(0);
    }
  }
}
