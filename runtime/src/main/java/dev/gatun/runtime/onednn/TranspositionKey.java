package dev.gatun.runtime.onednn;

import static dev.gatun.bindings.onednn.OneDnn.*;

import dev.gatun.runtime.tensor.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * FLOAT32 matrices [rows, columns] to [columns, rows].
 *
 * @param gap numbers between one matrix and the next, on both sides
 */
record TranspositionKey(long count, long rows, long columns, int gap) {

  /** The primitive, which runs with (from, to). */
  Primitive make(Worker worker) {
    MemorySegment attributes = Primitive.attributes();
    try (Arena arena = Arena.ofConfined()) {
      long[] extents = {count, rows, columns};
      long distance = rows * columns + gap;
      MemorySegment from =
          Dnnl.strided(arena, DType.FLOAT32, extents, new long[] {distance, columns, 1});
      MemorySegment to =
          Dnnl.strided(arena, DType.FLOAT32, extents, new long[] {distance, 1, rows});
      return Primitive.reorder(worker, from, to, attributes);
    } finally {
      Dnnl.check(dnnl_primitive_attr_destroy(attributes), "dnnl_primitive_attr_destroy");
    }
  }
}
