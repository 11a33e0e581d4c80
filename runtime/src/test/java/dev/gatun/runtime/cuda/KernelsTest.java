package dev.gatun.runtime.cuda;

import static dev.gatun.bindings.nvrtc.Nvrtc.nvrtcCompileProgram;
import static dev.gatun.bindings.nvrtc.Nvrtc.nvrtcCreateProgram;
import static dev.gatun.bindings.nvrtc.Nvrtc.nvrtcDestroyProgram;
import static dev.gatun.bindings.nvrtc.Nvrtc.nvrtcGetPTX;
import static dev.gatun.bindings.nvrtc.Nvrtc.nvrtcGetPTXSize;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.gatun.bindings.loader.CudaLibrary;
import dev.gatun.bindings.loader.SearchResult;
import dev.gatun.runtime.cuda.driver.KernelCompiler;
import dev.gatun.runtime.cuda.driver.KernelSource;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * Every kernel by the real NVRTC for every architecture: without a warning, and without a register
 * that is spilled to memory. What it takes is written to target/kernels.md.
 */
final class KernelsTest {
  private static final List<String> ARCHITECTURES =
      List.of("sm_75", "sm_80", "sm_86", "sm_89", "sm_90", "sm_100", "sm_120");

  /** One number is all that they read or write. */
  private static final Set<String> SCALAR = Set.of("clipScale", "sumParts");

  private static final Set<String> VECTORISED =
      Set.of("elementwise", "reduction", "parameter_update");

  /** What is spilled, in bytes, by the kernels that have more in hand than registers: no more. */
  private static final Map<String, Integer> SPILLING =
      Map.of("attentionGradientOfKeys_8", 192, "attentionGradientOfQueries_8", 64);

  private static final Pattern ENTRY = Pattern.compile("Compiling entry function '(\\w+)'");
  private static final Pattern SPILLS =
      Pattern.compile("(\\d+) bytes spill stores, (\\d+) bytes spill loads");
  private static final Pattern REGISTERS = Pattern.compile("Used (\\d+) registers");
  private static final Pattern SHARED = Pattern.compile("(\\d+) bytes smem");
  private static final Pattern PTX_ENTRY = Pattern.compile("\\.entry (\\w+)\\(");
  private static final Pattern WIDE =
      Pattern.compile("(ld|st)\\.global(\\.\\w+)*\\.(v4\\.[bfu]32|v2\\.[bfu]64)");

  /** What the assembler says of a kernel for one architecture. */
  private record Cost(int registers, int sharedBytes, int spilledBytes) {}

  /** Places in a kernel's text that load or store 16 bytes at once. */
  private record WideAccesses(int loads, int stores) {}

  @BeforeAll
  static void find() {
    assumeTrue(
        CudaLibrary.NVRTC.find() instanceof SearchResult.Found,
        "no NVRTC: pip install nvidia-cuda-nvrtc, and set GATUN_LIBRARY_PATH to its folder");
  }

  @Test
  void compileForEveryArchitecture() throws IOException {
    StringBuilder report = new StringBuilder("# Kernels\n\nBy NVRTC ");
    report.append(CudaLibrary.NVRTC.load().version()).append(". Registers by architecture;");
    report.append(" the most static shared memory and spilled bytes of any; places that load");
    report.append(" and store 16 bytes at once (PTX).\n");
    for (String family : families()) {
      KernelSource source = KernelSource.ofResource(CudaSession.class, family);
      Map<String, Map<String, Cost>> costs =
          ARCHITECTURES.parallelStream()
              .collect(Collectors.toConcurrentMap(a -> a, a -> compile(source, a)));
      Map<String, Cost> first = Objects.requireNonNull(costs.get(ARCHITECTURES.getFirst()));
      assertTrue(!first.isEmpty(), family + ".cu has no entry points");
      Map<String, WideAccesses> wide = wideAccesses(source);
      for (Map.Entry<String, Map<String, Cost>> cost : costs.entrySet()) {
        assertEquals(first.keySet(), cost.getValue().keySet(), "kernels for " + cost.getKey());
        cost.getValue()
            .forEach(
                (kernel, c) ->
                    assertTrue(
                        c.spilledBytes() <= SPILLING.getOrDefault(kernel, 0),
                        "%s.cu, %s, %s: %d bytes are spilled"
                            .formatted(family, kernel, cost.getKey(), c.spilledBytes())));
      }
      assertEquals(first.keySet(), wide.keySet(), "kernels of the PTX");
      if (VECTORISED.contains(family)) {
        wide.forEach(
            (kernel, w) ->
                assertTrue(
                    SCALAR.contains(kernel) || w.loads() + w.stores() > 0,
                    family + ".cu, " + kernel + ": no access of 16 bytes"));
      }
      describe(report, family, costs, wide);
    }
    Files.writeString(target().resolve("kernels.md"), report);
  }

  private static void describe(
      StringBuilder report,
      String family,
      Map<String, Map<String, Cost>> costs,
      Map<String, WideAccesses> wide) {
    report.append("\n## ").append(family).append(".cu\n\n| kernel | ");
    report.append(String.join(" | ", ARCHITECTURES)).append(" | shared | spilled | wide |\n");
    report.append("| --- |").append(" ---: |".repeat(ARCHITECTURES.size() + 3)).append('\n');
    wide.forEach(
        (kernel, accesses) -> {
          report.append("| ").append(kernel);
          int shared = 0;
          int spilled = 0;
          for (String architecture : ARCHITECTURES) {
            Cost cost = Objects.requireNonNull(costs.get(architecture)).get(kernel);
            report.append(" | ").append(Objects.requireNonNull(cost).registers());
            shared = Math.max(shared, cost.sharedBytes());
            spilled = Math.max(spilled, cost.spilledBytes());
          }
          report.append(" | ").append(shared).append(" | ").append(spilled).append(" | ");
          report.append(accesses.loads()).append(" + ").append(accesses.stores()).append(" |\n");
        });
  }

  /** The names of all .cu files beside the backend. */
  private static List<String> families() throws IOException {
    try (Stream<Path> files = Files.list(target().resolve("classes/dev/gatun/runtime/cuda"))) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(name -> name.endsWith(".cu"))
          .map(name -> name.substring(0, name.length() - 3))
          .sorted()
          .toList();
    }
  }

  private static Path target() {
    try {
      var classes = KernelsTest.class.getProtectionDomain().getCodeSource().getLocation();
      return Path.of(classes.toURI()).resolveSibling("");
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Compiles, and reads the assembler's log: entry by entry, the functions that it calls too. */
  private static Map<String, Cost> compile(KernelSource source, String architecture) {
    List<String> options = new ArrayList<>(source.options());
    options.add("--ptxas-options=-v");
    KernelSource talkative =
        new KernelSource(source.name(), source.text(), source.headers(), options);
    String log = KernelCompiler.compile(talkative, architecture).log();
    assertTrue(
        !log.contains("warning"),
        () -> source.name() + ".cu for " + architecture + " has warnings:\n" + log);
    Map<String, Cost> costs = new TreeMap<>();
    Matcher entry = ENTRY.matcher(log);
    boolean more = entry.find();
    while (more) {
      String kernel = entry.group(1);
      int from = entry.end();
      more = entry.find();
      String part = log.substring(from, more ? entry.start() : log.length());
      int spilled = 0;
      Matcher spills = SPILLS.matcher(part);
      while (spills.find()) {
        spilled += Integer.parseInt(spills.group(1)) + Integer.parseInt(spills.group(2));
      }
      Matcher registers = REGISTERS.matcher(part);
      assertTrue(registers.find(), () -> kernel + ": no registers in the log:\n" + part);
      Matcher shared = SHARED.matcher(part);
      costs.put(
          kernel,
          new Cost(
              Integer.parseInt(registers.group(1)),
              shared.find() ? Integer.parseInt(shared.group(1)) : 0,
              spilled));
    }
    return costs;
  }

  private static Map<String, WideAccesses> wideAccesses(KernelSource source) {
    String ptx = ptx(source);
    Map<String, WideAccesses> accesses = new TreeMap<>();
    Matcher entry = PTX_ENTRY.matcher(ptx);
    boolean more = entry.find();
    while (more) {
      String kernel = entry.group(1);
      int from = entry.end();
      more = entry.find();
      int loads = 0;
      int stores = 0;
      Matcher wide = WIDE.matcher(ptx.substring(from, more ? entry.start() : ptx.length()));
      while (wide.find()) {
        if (wide.group(1).equals("ld")) {
          loads++;
        } else {
          stores++;
        }
      }
      accesses.put(kernel, new WideAccesses(loads, stores));
    }
    return accesses;
  }

  private static String ptx(KernelSource source) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment pointer = arena.allocate(ValueLayout.ADDRESS);
      check(
          nvrtcCreateProgram(
              pointer,
              arena.allocateFrom(source.text()),
              arena.allocateFrom(source.name() + ".cu"),
              source.headers().size(),
              strings(arena, source.headers().values()),
              strings(arena, source.headers().keySet())));
      MemorySegment program = pointer.get(ValueLayout.ADDRESS, 0);
      List<String> options = new ArrayList<>(source.options());
      options.add("--gpu-architecture=compute_90");
      check(nvrtcCompileProgram(program, options.size(), strings(arena, options)));
      MemorySegment size = arena.allocate(ValueLayout.JAVA_LONG);
      check(nvrtcGetPTXSize(program, size));
      MemorySegment text = arena.allocate(size.get(ValueLayout.JAVA_LONG, 0));
      check(nvrtcGetPTX(program, text));
      check(nvrtcDestroyProgram(pointer));
      return text.getString(0);
    }
  }

  private static void check(int status) {
    assertEquals(0, status, "status of NVRTC");
  }

  private static MemorySegment strings(Arena arena, Iterable<String> texts) {
    List<MemorySegment> pointers = new ArrayList<>();
    texts.forEach(text -> pointers.add(arena.allocateFrom(text)));
    MemorySegment array = arena.allocate(ValueLayout.ADDRESS, Math.max(pointers.size(), 1));
    for (int i = 0; i < pointers.size(); i++) {
      array.setAtIndex(ValueLayout.ADDRESS, i, pointers.get(i));
    }
    return array;
  }
}
