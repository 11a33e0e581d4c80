package dev.gatun.runtime.onednn;

import static dev.gatun.bindings.onednn.OneDnn.*;

import dev.gatun.runtime.tensor.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * {@code batch} matrix products [m, k] x [k, n] to FLOAT32 [m, n], one after the other in memory.
 *
 * @param type of both factors
 * @param leftTransposed whether the left factors lie as [k, m]
 * @param rightTransposed whether the right factors lie as [n, k]
 * @param accumulates whether the products are added to what is there
 * @param gap numbers between one matrix and the next, of the factors and the products
 */
record BatchKey(
    DType type,
    long batch,
    long m,
    long n,
    long k,
    boolean leftTransposed,
    boolean rightTransposed,
    boolean accumulates,
    int gap) {

  /** The primitive, which runs with (left, right, result). */
  Primitive make(Worker worker) {
    MemorySegment attributes = Primitive.attributes();
    try (Arena arena = Arena.ofConfined()) {
      if (accumulates) {
        addToResult(attributes);
      }
      MemorySegment left = matrices(arena, type, m, k, leftTransposed);
      MemorySegment right = matrices(arena, type, k, n, rightTransposed);
      MemorySegment out = matrices(arena, DType.FLOAT32, m, n, false);
      MemorySegment descriptor =
          Dnnl.create(
              "dnnl_matmul_primitive_desc_create",
              r ->
                  dnnl_matmul_primitive_desc_create(
                      r, worker.engine(), left, right, MemorySegment.NULL, out, attributes));
      return new Primitive(
          worker,
          descriptor,
          new int[] {DNNL_ARG_SRC_0(), DNNL_ARG_WEIGHTS_0(), DNNL_ARG_DST_0()},
          new int[] {dnnl_query_src_md(), dnnl_query_weights_md(), dnnl_query_dst_md()});
    } finally {
      Dnnl.check(dnnl_primitive_attr_destroy(attributes), "dnnl_primitive_attr_destroy");
    }
  }

  private MemorySegment matrices(
      Arena arena, DType dtype, long rows, long columns, boolean transposed) {
    long[] strides = {rows * columns + gap, transposed ? 1 : columns, transposed ? rows : 1};
    return Dnnl.strided(arena, dtype, new long[] {batch, rows, columns}, strides);
  }

  private static void addToResult(MemorySegment attributes) {
    MemorySegment after = Dnnl.create("dnnl_post_ops_create", r -> dnnl_post_ops_create(r));
    try {
      Dnnl.check(
          dnnl_post_ops_append_sum(after, 1f, 0, dnnl_data_type_undef()),
          "dnnl_post_ops_append_sum");
      Dnnl.check(
          dnnl_primitive_attr_set_post_ops(attributes, after), "dnnl_primitive_attr_set_post_ops");
    } finally {
      Dnnl.check(dnnl_post_ops_destroy(after), "dnnl_post_ops_destroy");
    }
  }
}
