package dev.gatun.runtime.onednn.kernel;

import dev.gatun.runtime.onednn.machine.Pages;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The functions that {@link NativeKernelWriter} has written, in memory; loaded once. */
final class NativeCode {

  /** Beside the classes of this package. */
  static final String FILE = "avx512.kernels";

  private static final Path PROCESSOR = Path.of("/proc/cpuinfo");
  private static final List<String> NEEDED =
      List.of("avx512f", "avx512bw", "avx512dq", "avx512vl", "bmi2");
  private static final String PAIRS = "avx512_bf16";

  /** Has units for matrices of BFLOAT16, which oneDNN uses. */
  private static final String MATRICES = "amx_bf16";

  private static @Nullable NativeCode loaded;

  private final Map<String, Integer> places;
  private final long start;

  private final boolean multipliesPairs;

  private NativeCode(Map<String, Integer> places, long start, boolean multipliesPairs) {
    this.places = places;
    this.start = start;
    this.multipliesPairs = multipliesPairs;
  }

  /** Null where the processor or the system is another one. */
  static synchronized @Nullable NativeCode load() {
    if (loaded == null) {
      Set<String> abilities = abilities();
      if (abilities.containsAll(NEEDED)) {
        loaded = read(abilities.contains(PAIRS) && !abilities.contains(MATRICES));
      }
    }
    return loaded;
  }

  /** Whether the functions that multiply pairs of BFLOAT16 can be called, and are the quickest. */
  boolean multipliesPairs() {
    return multipliesPairs;
  }

  /** What the processor says of itself; nothing where it is of another kind, or the system is. */
  private static Set<String> abilities() {
    if (!System.getProperty("os.name").equals("Linux")
        || !System.getProperty("os.arch").equals("amd64")) {
      return Set.of();
    }
    try (var lines = Files.lines(PROCESSOR)) {
      Set<String> flags = new HashSet<>();
      lines
          .filter(line -> line.startsWith("flags"))
          .findFirst()
          .ifPresent(line -> flags.addAll(Arrays.asList(line.split(" "))));
      return flags;
    } catch (IOException e) {
      return Set.of();
    }
  }

  private static NativeCode read(boolean multipliesPairs) {
    try (InputStream file = NativeCode.class.getResourceAsStream(FILE)) {
      if (file == null) {
        throw new IllegalStateException(FILE + " is not there: Gatun was not built as a whole");
      }
      DataInputStream in = new DataInputStream(file);
      Map<String, Integer> places = new HashMap<>();
      for (int i = in.readInt(); i > 0; i--) {
        places.put(in.readUTF(), in.readInt());
      }
      byte[] code = in.readNBytes(in.readInt());
      long start = Pages.executable(MemorySegment.ofArray(code), NativeKernelWriter.ZEROS);
      return new NativeCode(places, start, multipliesPairs);
    } catch (IOException e) {
      throw new IllegalStateException(FILE + " cannot be read", e);
    }
  }

  /** A function; null where there is none of this name. */
  @Nullable MemorySegment function(String name) {
    Integer place = places.get(name);
    return place == null ? null : MemorySegment.ofAddress(start + place);
  }

  /** The functions of one method: one for each activation, or other enum, and the dtypes. */
  static final class Functions {
    private final NativeCode code;
    private final Class<?> template;
    private final String method;
    private final String operands;
    private final @Nullable MemorySegment[] known = new MemorySegment[8 * 8];

    /**
     * The functions of {@code method}.
     *
     * @param operands of which of the three operands the dtype matters: {@code "101"} for the first
     *     and the last, with - for one that is not there
     */
    Functions(NativeCode code, Class<?> template, String method, String operands) {
      this.code = code;
      this.template = template;
      this.method = method;
      this.operands = operands;
    }

    MemorySegment get(Enum<?> f, boolean low0, boolean low1, boolean low2) {
      int index = f.ordinal() * 8 + (low0 ? 4 : 0) + (low1 ? 2 : 0) + (low2 ? 1 : 0);
      MemorySegment function = known[index];
      return function != null ? function : find(index, f, low0, low1, low2);
    }

    private MemorySegment find(int index, Enum<?> f, boolean... low) {
      StringBuilder lows = new StringBuilder();
      for (int i = 0; i < 3; i++) {
        char operand = operands.charAt(i);
        lows.append(operand == '1' && low[i] ? '1' : operand == '-' ? '-' : '0');
      }
      String name = NativeKernelWriter.name(template, method, f, lows.toString());
      MemorySegment function = code.function(name);
      if (function == null) {
        throw new IllegalStateException("the kernel " + name + " was not compiled");
      }
      known[index] = function;
      return function;
    }
  }
}
