package dev.gatun.benchmarks;

import dev.gatun.runtime.memory.DeviceArena;
import dev.gatun.runtime.memory.DeviceBuffer;
import dev.gatun.runtime.op.Backend;
import dev.gatun.runtime.op.Backends;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
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

/** {@link DeviceArena}: what the memory of a step costs on the host. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(
    value = 2,
    jvmArgsAppend = {
      "-XX:+UseSerialGC",
      "--add-modules=jdk.incubator.vector",
      "--enable-native-access=ALL-UNNAMED"
    })
public class ArenaBenchmark {
  private static final int BUFFERS = 100; // about those of a step of the MNIST U-Net

  @Param("cpu")
  public String device = "cpu";

  private Backend backend;
  private DeviceArena arena;
  private DeviceBuffer[] buffers;

  @Setup
  public void open() {
    backend = Backends.open(device);
    arena = new DeviceArena(backend.memory(), "benchmark");
    buffers = new DeviceBuffer[BUFFERS];
  }

  @TearDown
  public void close() {
    arena.close();
    backend.close();
  }

  /** One buffer, taken and given back. */
  @Benchmark
  public long allocateAndRelease() {
    DeviceBuffer buffer = arena.allocate(1 << 20);
    long address = buffer.segment().address();
    buffer.release();
    return address;
  }

  /** A step: 100 buffers of different sizes, given back from the last to the first. */
  @Benchmark
  public long step() {
    arena.reset();
    long sum = 0;
    for (int i = 0; i < BUFFERS; i++) {
      buffers[i] = arena.allocate(1000L * (i % 17 + 1));
      sum += buffers[i].segment().address();
    }
    for (int i = BUFFERS - 1; i >= 0; i--) {
      buffers[i].release();
    }
    return sum;
  }
}
