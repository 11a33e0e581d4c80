package dev.gatun.runtime.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.gatun.bindings.loader.CudaLibrary;
import dev.gatun.runtime.op.Backend;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * CUDA's libraries as C++ programs for this processor, from {@code runtime/src/test/emulator}. They
 * are built into the folder that the system property {@code gatun.library.path} names, where
 * Gatun's own loader finds them: what runs on them is the code that runs on a GPU, loader included.
 *
 * <p>Tests that use them have the tag {@code cuda-emulator}, for which the build has a JVM of its
 * own. Where there is no g++ they are skipped, and say so.
 */
public final class CudaEmulator {
  private static boolean built;

  private CudaEmulator() {}

  /** Opens an emulated GPU with all operator families. */
  public static Backend open() {
    require();
    return new CudaBackend(new CudaSession(0, false));
  }

  /** Whether this JVM finds CUDA's libraries in the emulator's folder. */
  public static boolean isUsed() {
    return folder().endsWith("runtime/target/cuda-emulator");
  }

  private static Path folder() {
    return Path.of(System.getProperty("gatun.library.path", ""));
  }

  /** Builds the libraries of this JVM where they are missing or older than their sources. */
  public static synchronized void require() {
    if (!built) {
      if (!isUsed()) {
        throw new IllegalStateException(
            "gatun.library.path: expected the folder of the emulator, got " + folder());
      }
      build(folder());
      built = true;
    }
  }

  /** Builds the libraries in {@code folder}, which is target/cuda-emulator of the runtime's. */
  public static void build(Path folder) {
    assumeTrue(run(folder, "g++", "--version") == 0, "no g++ to build the CUDA emulator with");
    Path sources = folder.resolve("../../src/test/emulator").normalize();
    int status = run(folder, "sh", sources.resolve("build.sh").toString(), folder.toString());
    assertEquals(0, status, () -> "build of the CUDA emulator:\n" + log(folder));
  }

  private static int run(Path folder, String... command) {
    try {
      Files.createDirectories(folder);
      return new ProcessBuilder(command)
          .redirectErrorStream(true)
          .redirectOutput(folder.resolve("build.log").toFile())
          .start()
          .waitFor();
    } catch (IOException e) {
      return -1; // there is no such command
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private static String log(Path folder) {
    try {
      return Files.readString(folder.resolve("build.log"), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Sets a property of the emulated machine; device.hpp has their names. */
  public static void set(String name, long value) {
    try (Arena arena = Arena.ofConfined()) {
      var type = FunctionDescriptor.ofVoid(ValueLayout.ADDRESS, ValueLayout.JAVA_LONG);
      hook("gatun_emulator_set", type).invokeExact(arena.allocateFrom(name), value);
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  /**
   * The next call of {@code call}, named without the suffix of its version, returns {@code status}.
   */
  public static void failNext(String call, int status) {
    try (Arena arena = Arena.ofConfined()) {
      var type = FunctionDescriptor.ofVoid(ValueLayout.ADDRESS, ValueLayout.JAVA_INT);
      hook("gatun_emulator_fail", type).invokeExact(arena.allocateFrom(call), status);
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  /** How often {@code call} was called by this process. */
  public static long calls(String call) {
    return count("gatun_emulator_calls", call);
  }

  /**
   * How many of {@code what} the driver holds now: contexts, blocks, streams, events, modules,
   * graphs or pinned.
   */
  public static long live(String what) {
    return count("gatun_emulator_live", what);
  }

  private static long count(String function, String argument) {
    try (Arena arena = Arena.ofConfined()) {
      var type = FunctionDescriptor.of(ValueLayout.JAVA_LONG, ValueLayout.ADDRESS);
      return (long) hook(function, type).invokeExact(arena.allocateFrom(argument));
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  private static MethodHandle hook(String name, FunctionDescriptor type) {
    require();
    CudaLibrary.DRIVER.load();
    MemorySegment function = SymbolLookup.loaderLookup().findOrThrow(name);
    return Linker.nativeLinker().downcallHandle(function, type);
  }
}
