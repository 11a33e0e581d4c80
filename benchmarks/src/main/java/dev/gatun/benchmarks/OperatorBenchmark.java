package dev.gatun.benchmarks;

import dev.gatun.runtime.memory.DeviceArena;
import dev.gatun.runtime.op.Backend;
import dev.gatun.runtime.op.Backends;
import dev.gatun.runtime.op.RandomKey;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What the benchmarks of the operator families share: a backend, an arena and tensors full of
 * random numbers. A method times one call, to its end on the device.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(
    value = 2,
    jvmArgsAppend = {
      "-XX:+UseSerialGC",
      "--add-modules=jdk.incubator.vector",
      "--enable-native-access=ALL-UNNAMED"
    })
public abstract class OperatorBenchmark {
  private static final RandomKey KEY = new RandomKey(1, 1);

  /** A name that {@link Backends#open} knows. */
  @Param("cpu")
  public String device = "cpu";

  Backend backend;
  DeviceArena arena;
  private Tensor step;
  private int tensors;

  /** Opens the backend and makes the tensors. */
  @Setup
  public final void open() {
    backend = Backends.open(device);
    arena = new DeviceArena(backend.memory(), "benchmark");
    step = Tensor.allocate(arena, DType.INT32, Shape.of(1));
    FormulaNumbers.upload(backend, step, i -> 1);
    prepare();
    backend.synchronize();
  }

  /** Makes the tensors of a benchmark. */
  abstract void prepare();

  /** Frees all. */
  @TearDown
  public final void close() {
    arena.close();
    backend.close();
  }

  /** An INT32 [1] of 1: a step's number. */
  final Tensor step() {
    return step;
  }

  /** A new tensor of normally distributed numbers, others than in the last one. */
  final Tensor random(DType type, Shape shape) {
    Tensor tensor = Tensor.allocate(arena, type, shape);
    backend.randomFill().normal(KEY, step, tensors++ * shape.batch(), tensor);
    return tensor;
  }

  /** A new FLOAT32 tensor of one value. */
  final Tensor filled(float value, int... extents) {
    Tensor tensor = Tensor.allocate(arena, DType.FLOAT32, Shape.of(extents));
    backend.elementwise().fill(value, tensor);
    return tensor;
  }
}
