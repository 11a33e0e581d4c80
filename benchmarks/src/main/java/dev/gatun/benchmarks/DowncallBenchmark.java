package dev.gatun.benchmarks;

import dev.gatun.bindings.loader.OneDnnLibrary;
import dev.gatun.bindings.onednn.OneDnn;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** What a call from Java to C costs: functions that do next to nothing. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 2, jvmArgsAppend = "--enable-native-access=ALL-UNNAMED")
public class DowncallBenchmark {
  private static final FunctionDescriptor INT_TO_INT =
      FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT);
  private static final MethodHandle ABS = abs();
  private static final MethodHandle CRITICAL_ABS = abs(Linker.Option.critical(false));

  private int value = -3;

  private static MethodHandle abs(Linker.Option... options) {
    Linker linker = Linker.nativeLinker();
    return linker.downcallHandle(linker.defaultLookup().findOrThrow("abs"), INT_TO_INT, options);
  }

  @Setup
  public void load() {
    OneDnnLibrary.load();
  }

  /** No call: the harness alone. */
  @Benchmark
  public int javaAbs() {
    return Math.abs(value);
  }

  /** C's abs. */
  @Benchmark
  public int downcall() throws Throwable {
    return (int) ABS.invokeExact(value);
  }

  /** The same without the transition of the thread's state: for very short functions only. */
  @Benchmark
  public int criticalDowncall() throws Throwable {
    return (int) CRITICAL_ABS.invokeExact(value);
  }

  /** A call as the generated bindings do it: dnnl_version, which returns a pointer. */
  @Benchmark
  public MemorySegment generatedBinding() {
    return OneDnn.dnnl_version();
  }
}
