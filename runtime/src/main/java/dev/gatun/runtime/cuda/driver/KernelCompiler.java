package dev.gatun.runtime.cuda.driver;

import static dev.gatun.bindings.nvrtc.Nvrtc.*;

import dev.gatun.bindings.loader.CudaLibrary;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.function.ToIntFunction;

/**
 * Compiles CUDA C++ by NVRTC for one architecture, and keeps what it compiled on disk, by the hash
 * of source, headers, options, architecture and NVRTC's version.
 *
 * <p>The result is a cubin, the architecture's own code: PTX would need a driver as new as NVRTC.
 */
public final class KernelCompiler {

  /**
   * What NVRTC made.
   *
   * @param cubin the architecture's code
   * @param log the compiler's warnings; empty where it has none
   */
  public record Compilation(byte[] cubin, String log) {}

  private final CacheFolder cache;

  /** Compiles what is not in {@code cache}. */
  public KernelCompiler(CacheFolder cache) {
    this.cache = cache;
  }

  /** The cubin of {@code source} for {@code architecture}, such as "sm_90". */
  public byte[] cubin(KernelSource source, String architecture) {
    String file = fileName(source, architecture);
    byte[] cached = cache.read(file);
    if (cached != null) {
      return cached;
    }
    byte[] cubin = compile(source, architecture).cubin();
    cache.write(file, cubin);
    return cubin;
  }

  /** Where {@link #cubin} keeps its result. */
  static String fileName(KernelSource source, String architecture) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (DataOutputStream key = new DataOutputStream(bytes)) {
      List<String> parts = new ArrayList<>(List.of(source.name(), source.text()));
      source.headers().forEach((name, text) -> parts.addAll(List.of(name, text)));
      parts.addAll(source.options());
      parts.addAll(List.of(architecture, CudaLibrary.NVRTC.load().version()));
      for (String part : parts) {
        byte[] text = part.getBytes(StandardCharsets.UTF_8);
        key.writeInt(text.length); // so that no two lists have one key
        key.write(text);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    String hash = HexFormat.of().formatHex(CacheFolder.sha256(bytes.toByteArray()), 0, 16);
    return source.name() + "-" + architecture + "-" + hash + ".cubin";
  }

  /**
   * Compiles {@code source} for {@code architecture}.
   *
   * @throws CudaException with the compiler's log, where it does not compile
   */
  public static Compilation compile(KernelSource source, String architecture) {
    String nvrtc = "NVRTC " + CudaLibrary.NVRTC.load().version();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment pointer = arena.allocate(ValueLayout.ADDRESS);
      Map<String, String> headers = source.headers();
      check(
          nvrtcCreateProgram(
              pointer,
              arena.allocateFrom(source.text()),
              arena.allocateFrom(source.name() + ".cu"),
              headers.size(),
              strings(arena, headers.values()),
              strings(arena, headers.keySet())),
          "nvrtcCreateProgram(" + source.name() + ")");
      MemorySegment program = pointer.get(ValueLayout.ADDRESS, 0);
      try {
        List<String> options = new ArrayList<>(source.options());
        options.add("--gpu-architecture=" + architecture);
        int status = nvrtcCompileProgram(program, options.size(), strings(arena, options));
        String log = log(arena, program);
        if (status != NVRTC_SUCCESS()) {
          throw new CudaException(
              "%s: %s.cu does not compile for %s: %s%n%s"
                  .formatted(nvrtc, source.name(), architecture, meaning(status), log),
              status,
              false);
        }
        MemorySegment cubin =
            arena.allocate(size(arena, "nvrtcGetCUBINSize", s -> nvrtcGetCUBINSize(program, s)));
        check(nvrtcGetCUBIN(program, cubin), "nvrtcGetCUBIN");
        return new Compilation(cubin.toArray(ValueLayout.JAVA_BYTE), log);
      } finally {
        check(nvrtcDestroyProgram(pointer), "nvrtcDestroyProgram");
      }
    }
  }

  private static String log(Arena arena, MemorySegment program) {
    long bytes = size(arena, "nvrtcGetProgramLogSize", s -> nvrtcGetProgramLogSize(program, s));
    if (bytes <= 1) {
      return "";
    }
    MemorySegment text = arena.allocate(bytes);
    check(nvrtcGetProgramLog(program, text), "nvrtcGetProgramLog");
    return text.getString(0).strip();
  }

  private static long size(Arena arena, String call, ToIntFunction<MemorySegment> query) {
    MemorySegment size = arena.allocate(ValueLayout.JAVA_LONG);
    check(query.applyAsInt(size), call);
    return size.get(ValueLayout.JAVA_LONG, 0);
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

  private static void check(int status, String call) {
    if (status != NVRTC_SUCCESS()) {
      throw new CudaException(
          "NVRTC: %s returned %s (%d); please report it with the output of gatun info"
              .formatted(call, meaning(status), status),
          status,
          false);
    }
  }

  private static String meaning(int status) {
    return nvrtcGetErrorString(status).reinterpret(Long.MAX_VALUE).getString(0);
  }
}
