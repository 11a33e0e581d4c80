package dev.gatun.runtime.onednn;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import org.jspecify.annotations.Nullable;

/**
 * Keeps OpenMP out of the way: oneDNN runs on the thread that calls it, and the parallelism is
 * ours. OpenMP's own team would spin on the cores that the Java kernels between two primitives
 * need.
 */
final class OpenMp {

  private static final @Nullable MethodHandle SET_NUM_THREADS =
      SymbolLookup.loaderLookup()
          .or(Linker.nativeLinker().defaultLookup())
          .find("omp_set_num_threads")
          .map(
              f ->
                  Linker.nativeLinker()
                      .downcallHandle(f, FunctionDescriptor.ofVoid(ValueLayout.JAVA_INT)))
          .orElse(null);

  private OpenMp() {}

  /** From now on OpenMP regions that the calling thread opens have one thread. */
  static void singleThreadHere() {
    if (SET_NUM_THREADS == null) {
      return; // a oneDNN without OpenMP
    }
    try {
      SET_NUM_THREADS.invokeExact(1);
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }
}
