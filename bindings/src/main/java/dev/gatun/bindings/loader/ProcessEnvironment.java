package dev.gatun.bindings.loader;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/** The C environment of this process, which libraries read and Java cannot write. */
final class ProcessEnvironment {
  private ProcessEnvironment() {}

  /** setenv(name, value, 0): what the user has set stays. */
  @SuppressWarnings("restricted")
  static void setIfAbsent(String name, String value) {
    Linker linker = Linker.nativeLinker();
    MethodHandle setenv =
        linker.downcallHandle(
            linker.defaultLookup().findOrThrow("setenv"),
            FunctionDescriptor.of(
                ValueLayout.JAVA_INT,
                ValueLayout.ADDRESS,
                ValueLayout.ADDRESS,
                ValueLayout.JAVA_INT));
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment cName = arena.allocateFrom(name);
      MemorySegment cValue = arena.allocateFrom(value);
      int status = (int) setenv.invokeExact(cName, cValue, 0);
      if (status != 0) {
        throw new IllegalStateException("setenv(" + name + ") failed with " + status);
      }
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException("setenv(" + name + ")", e);
    }
  }
}
