package dev.gatun.benchmarks;

import dev.gatun.nn.checkpoint.ElementType;
import dev.gatun.nn.checkpoint.SafeTensors;
import dev.gatun.nn.checkpoint.SafeTensorsWriter;
import dev.gatun.nn.checkpoint.StoredTensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * {@link SafeTensors} and {@link SafeTensorsWriter}: a file of 64 MiB in 64 tensors, in the folder
 * for temporary files. The operations are bytes, so that the scores are GB/s.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(
    value = 2,
    jvmArgsAppend = {"-XX:+UseSerialGC", "--enable-native-access=ALL-UNNAMED"})
public class SafeTensorsBenchmark {
  private static final int TENSORS = 64;
  private static final int TENSOR_BYTES = 1 << 20;
  private static final int BYTES = TENSORS * TENSOR_BYTES;

  private Path folder;
  private Path file;
  private Path written;
  private Arena arena;
  private MemorySegment numbers;

  /** Writes the file that is read; then it lies in the system's cache of files. */
  @Setup
  public void open() throws IOException {
    folder = Files.createTempDirectory("gatun-benchmark");
    file = folder.resolve("read.safetensors");
    written = folder.resolve("written.safetensors");
    arena = Arena.ofConfined();
    numbers = arena.allocate(TENSOR_BYTES, 64);
    save(file);
  }

  /** Removes the files. */
  @TearDown
  public void close() throws IOException {
    arena.close();
    Files.deleteIfExists(file);
    Files.deleteIfExists(written);
    Files.delete(folder);
  }

  private void save(Path path) throws IOException {
    var writer = new SafeTensorsWriter(Map.of());
    for (int i = 0; i < TENSORS; i++) {
      writer.add(
          "layer" + i + ".weight",
          ElementType.F32,
          new long[] {TENSOR_BYTES / Float.BYTES},
          bytes -> bytes.copyFrom(numbers));
    }
    writer.write(path);
  }

  /** Maps the file, checks its header, copies every tensor and unmaps the file. */
  @Benchmark
  @OperationsPerInvocation(BYTES)
  public void read() throws IOException {
    try (SafeTensors opened = SafeTensors.open(file)) {
      for (StoredTensor tensor : opened.entries().values()) {
        tensor.copyTo(numbers);
      }
    }
  }

  /** Writes the file, flushes it to the disk and renames it. */
  @Benchmark
  @OperationsPerInvocation(BYTES)
  public void write() throws IOException {
    save(written);
  }
}
