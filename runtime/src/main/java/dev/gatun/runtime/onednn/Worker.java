package dev.gatun.runtime.onednn;

import static dev.gatun.bindings.onednn.OneDnn.*;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * One thread's part of the backend: its slice of the work, its oneDNN stream, its prepared
 * primitives, its scratch memory.
 */
final class Worker implements AutoCloseable {

  private final int index;
  private final int count;
  private static final Object MAKING = new Object();

  private final Map<Object, Primitive> primitives = new HashMap<>();
  private @Nullable MemorySegment engine;
  private @Nullable MemorySegment stream;
  private final Scratch[] scratch = new Scratch[10];

  /** Whether the thread sleeps and must be woken. */
  volatile boolean parked;

  Worker(int index, int count) {
    this.index = index;
    this.count = count;
    Arrays.setAll(scratch, i -> new Scratch());
  }

  int index() {
    return index;
  }

  /** First of {@code items} that is this worker's. */
  long begin(long items) {
    return begin(items, index, count);
  }

  /** First of {@code items} that is no more this worker's. */
  long end(long items) {
    return begin(items, index + 1, count);
  }

  /** First of {@code items} that is in share {@code share} of {@code shares}. */
  static long begin(long items, long share, long shares) {
    return items * share / shares;
  }

  MemorySegment engine() {
    MemorySegment existing = engine;
    if (existing == null) {
      existing = Dnnl.create("dnnl_engine_create", r -> dnnl_engine_create(r, dnnl_cpu(), 0));
      engine = existing;
    }
    return existing;
  }

  MemorySegment stream() {
    MemorySegment existing = stream;
    if (existing == null) {
      existing =
          Dnnl.create(
              "dnnl_stream_create",
              r -> dnnl_stream_create(r, engine(), dnnl_stream_default_flags()));
      stream = existing;
    }
    return existing;
  }

  /**
   * The primitive of {@code key}, made at first use on this thread (oneDNN plans for the threads
   * that it sees then), and by one thread at a time: where two made the input gradient of a 1x1
   * convolution at once, oneDNN 3.11 ran it without scratch memory in one start of ten, a fault.
   */
  <K> Primitive primitive(K key, Function<? super K, Primitive> make) {
    Primitive known = primitives.get(key);
    if (known == null) {
      synchronized (MAKING) {
        known = make.apply(key);
      }
      primitives.put(key, known);
    }
    return known;
  }

  /**
   * At least {@code bytes} of scratch memory number {@code which} (0 is the primitives' own); valid
   * until asked for again.
   */
  long scratch(int which, long bytes) {
    return scratch[which].atLeast(bytes);
  }

  @Override
  public void close() {
    primitives.values().forEach(Primitive::close);
    primitives.clear();
    if (stream != null) {
      Dnnl.check(dnnl_stream_destroy(stream), "dnnl_stream_destroy");
      stream = null;
    }
    if (engine != null) {
      Dnnl.check(dnnl_engine_destroy(engine), "dnnl_engine_destroy");
      engine = null;
    }
    for (Scratch each : scratch) {
      each.close();
    }
  }

  /** Memory that grows to the largest need and stays. */
  private static final class Scratch {
    private static final HostMemory MEMORY = new HostMemory();

    private @Nullable MemorySegment block;

    long atLeast(long bytes) {
      MemorySegment existing = block;
      if (existing == null || existing.byteSize() < bytes) {
        close();
        existing = MEMORY.reserve(bytes);
        block = existing;
      }
      return existing.address();
    }

    void close() {
      if (block != null) {
        MEMORY.release(block);
        block = null;
      }
    }
  }
}
