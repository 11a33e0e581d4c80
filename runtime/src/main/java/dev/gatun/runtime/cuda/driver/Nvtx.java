package dev.gatun.runtime.cuda.driver;

import dev.gatun.bindings.loader.CudaLibrary;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Named ranges on the calling thread, which NVIDIA's profilers show above the kernels.
 *
 * <p>On where a profiler says that it listens (it sets NVTX_INJECTION64_PATH) or the system
 * property {@code gatun.nvtx} is {@code true}, and NVTX's library is beside NVRTC or on the
 * loader's path; a constant branch otherwise.
 */
public final class Nvtx {
  private static final List<String> FILES = List.of("libnvtx3interop.so.1", "libnvToolsExt.so.1");
  private static final @Nullable MethodHandle PUSH;
  private static final @Nullable MethodHandle POP;

  static {
    Optional<SymbolLookup> library = isWanted() ? library() : Optional.empty();
    PUSH =
        handle(
            library,
            "nvtxRangePushA",
            FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS));
    POP = handle(library, "nvtxRangePop", FunctionDescriptor.of(ValueLayout.JAVA_INT));
  }

  private Nvtx() {}

  /** Begins the range {@code name}, within the one that is open. */
  public static void push(String name) {
    if (PUSH != null) {
      try (Arena arena = Arena.ofConfined()) {
        int ignored = (int) PUSH.invokeExact(arena.allocateFrom(name)); // the depth
      } catch (Throwable e) {
        throw new AssertionError(e);
      }
    }
  }

  /** Ends the range that was begun last. */
  public static void pop() {
    if (POP != null) {
      try {
        int ignored = (int) POP.invokeExact();
      } catch (Throwable e) {
        throw new AssertionError(e);
      }
    }
  }

  private static boolean isWanted() {
    return Boolean.getBoolean("gatun.nvtx") || System.getenv("NVTX_INJECTION64_PATH") != null;
  }

  private static Optional<SymbolLookup> library() {
    Path nvrtc = CudaLibrary.NVRTC.load().path();
    for (String file : FILES) {
      Path beside = nvrtc.resolveSibling(file);
      try {
        return Optional.of(
            Files.exists(beside)
                ? SymbolLookup.libraryLookup(beside, Arena.global())
                : SymbolLookup.libraryLookup(file, Arena.global()));
      } catch (IllegalArgumentException e) {
        // not here
      }
    }
    return Optional.empty();
  }

  private static @Nullable MethodHandle handle(
      Optional<SymbolLookup> library, String name, FunctionDescriptor type) {
    return library
        .flatMap(symbols -> symbols.find(name))
        .map(function -> Linker.nativeLinker().downcallHandle(function, type))
        .orElse(null);
  }
}
