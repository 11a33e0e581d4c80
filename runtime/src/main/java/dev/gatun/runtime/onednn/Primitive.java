package dev.gatun.runtime.onednn;

import static dev.gatun.bindings.onednn.OneDnn.*;

import dev.gatun.bindings.onednn.dnnl_exec_arg_t;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * A oneDNN primitive with its arguments, ready to run: running it sets addresses and calls once.
 * Belongs to one worker. Its scratchpad is the worker's.
 */
final class Primitive implements AutoCloseable {

  private final Arena arena = Arena.ofShared();
  private final MemorySegment primitive;
  private final MemorySegment[] memories;
  private final long[] addresses;
  private final MemorySegment arguments;
  private final long scratchBytes;

  /**
   * @param descriptor the primitive descriptor, which this takes over
   * @param argumentKinds DNNL_ARG_... of each address that {@link #run} is given
   * @param queries the dnnl_query_..._md that describes each; negative for the second of its kind
   */
  Primitive(Worker worker, MemorySegment descriptor, int[] argumentKinds, int[] queries) {
    primitive = Dnnl.create("dnnl_primitive_create", r -> dnnl_primitive_create(r, descriptor));
    int n = argumentKinds.length;
    memories = new MemorySegment[n + 1];
    addresses = new long[n + 1];
    arguments = dnnl_exec_arg_t.allocateArray(n + 1, arena);
    for (int i = 0; i <= n; i++) {
      int kind = i < n ? argumentKinds[i] : DNNL_ARG_SCRATCHPAD();
      int query = i < n ? queries[i] : dnnl_query_scratchpad_md();
      MemorySegment md =
          dnnl_primitive_desc_query_md(descriptor, Math.abs(query), query < 0 ? 1 : 0);
      memories[i] =
          Dnnl.create(
              "dnnl_memory_create",
              r -> dnnl_memory_create(r, md, worker.engine(), MemorySegment.NULL));
      MemorySegment argument = dnnl_exec_arg_t.asSlice(arguments, i);
      dnnl_exec_arg_t.arg(argument, kind);
      dnnl_exec_arg_t.memory(argument, memories[i]);
    }
    scratchBytes = size(descriptor, dnnl_query_scratchpad_md());
    Dnnl.check(dnnl_primitive_desc_destroy(descriptor), "dnnl_primitive_desc_destroy");
  }

  /** The bytes that the memory of {@code query} takes. */
  static long size(MemorySegment descriptor, int query) {
    return dnnl_memory_desc_get_size(dnnl_primitive_desc_query_md(descriptor, query, 0));
  }

  /**
   * Attributes that every primitive of ours has: its scratchpad is given to it. Destroyed by the
   * caller.
   */
  static MemorySegment attributes() {
    MemorySegment attributes =
        Dnnl.create("dnnl_primitive_attr_create", r -> dnnl_primitive_attr_create(r));
    Dnnl.check(
        dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user()),
        "dnnl_primitive_attr_set_scratchpad_mode");
    return attributes;
  }

  /** A reorder of what {@code from} describes to {@code to}, which runs with (from, to). */
  static Primitive reorder(
      Worker worker, MemorySegment from, MemorySegment to, MemorySegment attributes) {
    MemorySegment descriptor =
        Dnnl.create(
            "dnnl_reorder_primitive_desc_create",
            r ->
                dnnl_reorder_primitive_desc_create(
                    r, from, worker.engine(), to, worker.engine(), attributes));
    return new Primitive(
        worker,
        descriptor,
        new int[] {DNNL_ARG_SRC_0(), DNNL_ARG_DST_0()},
        new int[] {dnnl_query_src_md(), dnnl_query_dst_md()});
  }

  /** Runs on the worker's thread with arguments at these addresses, in the constructor's order. */
  void run(Worker worker, long first, long second) {
    point(0, first);
    point(1, second);
    execute(worker, 2);
  }

  /** As {@link #run(Worker, long, long)}. */
  void run(Worker worker, long first, long second, long third) {
    point(0, first);
    point(1, second);
    point(2, third);
    execute(worker, 3);
  }

  /** As {@link #run(Worker, long, long)}. */
  void run(Worker worker, long first, long second, long third, long fourth) {
    point(0, first);
    point(1, second);
    point(2, third);
    point(3, fourth);
    execute(worker, 4);
  }

  private void execute(Worker worker, int given) {
    if (given != memories.length - 1) {
      throw new IllegalArgumentException(
          "primitive: expected " + (memories.length - 1) + " arguments, got " + given);
    }
    if (scratchBytes > 0) {
      point(given, worker.scratch(0, scratchBytes));
    }
    Dnnl.check(
        dnnl_primitive_execute(primitive, worker.stream(), memories.length, arguments),
        "dnnl_primitive_execute");
  }

  private void point(int argument, long address) {
    if (addresses[argument] != address) {
      addresses[argument] = address;
      Dnnl.check(
          dnnl_memory_set_data_handle(memories[argument], MemorySegment.ofAddress(address)),
          "dnnl_memory_set_data_handle");
    }
  }

  @Override
  public void close() {
    for (MemorySegment memory : memories) {
      Dnnl.check(dnnl_memory_destroy(memory), "dnnl_memory_destroy");
    }
    Dnnl.check(dnnl_primitive_destroy(primitive), "dnnl_primitive_destroy");
    arena.close();
  }
}
