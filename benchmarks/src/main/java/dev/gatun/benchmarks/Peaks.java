package dev.gatun.benchmarks;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonParseException;
import dev.gatun.runtime.memory.DeviceArena;
import dev.gatun.runtime.op.Backend;
import dev.gatun.runtime.op.Backends;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.DoubleAdder;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * What this machine's processor does at best with some number of threads, as measured: floating
 * point operations per nanosecond (GFLOP/s) of a large product of FLOAT32 or BFLOAT16 matrices, and
 * bytes read and written per nanosecond (GB/s) by copies far larger than the caches or within the
 * cores' own ones.
 *
 * <pre>
 * java -cp 'benchmarks/target/app/*' dev.gatun.benchmarks.Peaks 2
 * </pre>
 *
 * measures them for two threads and prints them as JSON.
 *
 * @param device what was measured, in the words of its backend
 * @param fp32 GFLOP/s of a FLOAT32 product
 * @param bf16 GFLOP/s of a BFLOAT16 product
 * @param memory GB/s of large copies
 * @param cache GB/s of copies within the caches
 * @param cacheBytes source and destination of the latter copies, of all threads together
 */
record Peaks(
    String device, double fp32, double bf16, double memory, double cache, long cacheBytes) {
  /** The system property that names a file of peaks. */
  static final String FILE = "gatun.benchmarks.peaks";

  private static final Gson GSON = new GsonBuilder().setPrettyPrinting().create();

  private static final MethodHandle MEMCPY =
      Linker.nativeLinker()
          .downcallHandle(
              Linker.nativeLinker().defaultLookup().findOrThrow("memcpy"),
              FunctionDescriptor.ofVoid(
                  ValueLayout.ADDRESS, ValueLayout.ADDRESS, ValueLayout.JAVA_LONG));

  private static final int ROWS = 2048;
  private static final int INPUTS = 1024;
  private static final int OUTPUTS = 1024;
  private static final long LARGE = 1L << 27; // of each of the two buffers of a thread
  private static final long SMALL = 1L << 17; // with its destination within any second-level cache
  private static final long WARM_NANOS = 300_000_000;
  private static final long ROUND_NANOS = 100_000_000;
  private static final int ROUNDS = 5;

  /** Measures all, in some 5 seconds. */
  static Peaks measure(int threads) {
    System.setProperty("gatun.threads", String.valueOf(threads)); // read when the CPU is opened
    try (Backend backend = Backends.open("cpu")) {
      return new Peaks(
          backend.describe(),
          product(backend, DType.FLOAT32),
          product(backend, DType.BFLOAT16),
          copies(threads, LARGE),
          copies(threads, SMALL),
          2 * SMALL * threads);
    }
  }

  /** The peak of operations on numbers of that type. */
  double flops(DType dtype) {
    return dtype == DType.BFLOAT16 ? bf16 : fp32;
  }

  /** The bandwidth for that many bytes: the caches' where they would hold them. */
  double bandwidth(long bytes) {
    return bytes <= cacheBytes ? cache : memory;
  }

  /** Those of the file that the system property {@link #FILE} names; null where it is not set. */
  static @Nullable Peaks given() {
    String file = System.getProperty(FILE);
    if (file == null) {
      return null;
    }
    try {
      return read(Path.of(file));
    } catch (IOException e) {
      throw new IllegalArgumentException(FILE + ": " + e.getMessage(), e);
    }
  }

  /** Reads what {@link #main} printed. */
  static Peaks read(Path file) throws IOException {
    try {
      Peaks peaks = GSON.fromJson(Files.readString(file), Peaks.class);
      if (peaks != null
          && peaks.fp32 > 0
          && peaks.bf16 > 0
          && peaks.memory > 0
          && peaks.cache > 0) {
        return peaks;
      }
    } catch (JsonParseException e) {
      throw new IOException(refused(file), e);
    }
    throw new IOException(refused(file));
  }

  private static String refused(Path file) {
    return file
        + ": expected JSON with positive fp32, bf16, memory and cache: write it anew by the main"
        + " class Peaks";
  }

  /** Prints the peaks for as many threads as the argument says, or as there are processors. */
  public static void main(String[] arguments) {
    String threads =
        arguments.length == 0
            ? String.valueOf(Runtime.getRuntime().availableProcessors())
            : arguments[0];
    if (!threads.matches("[1-9][0-9]{0,4}")) {
      System.err.println("Peaks: expected a number of threads, got " + threads);
      System.exit(1);
    }
    System.out.println(GSON.toJson(measure(Integer.parseInt(threads))));
  }

  private static double product(Backend backend, DType dtype) {
    try (DeviceArena arena = new DeviceArena(backend.memory(), "peaks")) {
      Tensor x = filled(backend, arena, dtype, Shape.of(ROWS, INPUTS));
      Tensor weight = filled(backend, arena, dtype, Shape.of(OUTPUTS, INPUTS));
      Tensor y = Tensor.allocate(arena, dtype, Shape.of(ROWS, OUTPUTS));
      Runnable multiply = () -> backend.matrixProduct().linear(x, weight, null, y);
      rate(multiply, WARM_NANOS);
      double best = 0;
      for (int i = 0; i < ROUNDS; i++) {
        best = Math.max(best, rate(multiply, ROUND_NANOS));
      }
      return 2.0 * ROWS * INPUTS * OUTPUTS * best;
    }
  }

  private static Tensor filled(Backend backend, DeviceArena arena, DType dtype, Shape shape) {
    Tensor tensor = Tensor.allocate(arena, dtype, shape);
    backend.elementwise().fill(0.5f, tensor);
    return tensor;
  }

  /** Repetitions per nanosecond. */
  private static double rate(Runnable work, long nanos) {
    long start = System.nanoTime();
    long repetitions = 0;
    long elapsed;
    do {
      work.run();
      repetitions++;
      elapsed = System.nanoTime() - start;
    } while (elapsed < nanos);
    return (double) repetitions / elapsed;
  }

  /** By Java's copy or C's, whichever is quicker. */
  private static double copies(int threads, long bytes) {
    double best = 0;
    for (BiConsumer<MemorySegment, MemorySegment> copy :
        List.<BiConsumer<MemorySegment, MemorySegment>>of(MemorySegment::copyFrom, Peaks::memcpy)) {
      for (int i = 0; i < ROUNDS; i++) {
        best = Math.max(best, copyRound(threads, bytes, copy));
      }
    }
    return best;
  }

  private static void memcpy(MemorySegment to, MemorySegment from) {
    try {
      MEMCPY.invokeExact(to, from, from.byteSize());
    } catch (Throwable e) {
      throw new IllegalStateException("memcpy cannot be called", e);
    }
  }

  /** Each thread copies between two buffers of its own, all at the same time. */
  private static double copyRound(
      int threads, long bytes, BiConsumer<MemorySegment, MemorySegment> copy) {
    var ready = new CountDownLatch(threads);
    var sum = new DoubleAdder();
    Thread[] team = new Thread[threads];
    for (int i = 0; i < threads; i++) {
      team[i] =
          Thread.ofPlatform()
              .start(
                  () -> {
                    try (Arena arena = Arena.ofConfined()) {
                      MemorySegment from = arena.allocate(bytes, 4096);
                      MemorySegment to = arena.allocate(bytes, 4096);
                      copy.accept(to, from);
                      ready.countDown();
                      ready.await();
                      sum.add(2.0 * bytes * rate(() -> copy.accept(to, from), ROUND_NANOS));
                    } catch (InterruptedException e) {
                      Thread.currentThread().interrupt();
                    }
                  });
    }
    try {
      for (Thread thread : team) {
        thread.join();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return sum.sum();
  }
}
