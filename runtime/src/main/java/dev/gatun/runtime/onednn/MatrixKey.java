package dev.gatun.runtime.onednn;

import static dev.gatun.bindings.onednn.OneDnn.*;

import dev.gatun.runtime.tensor.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * A matrix product [m, k] x [k, n] + bias [n] to a dense [m, n], of which the factors lie with the
 * given distances.
 *
 * @param type of both factors
 * @param result of the product
 */
record MatrixKey(
    DType type,
    DType result,
    long m,
    long n,
    long k,
    long leftRowStride,
    long leftColumnStride,
    long rightRowStride,
    long rightColumnStride,
    boolean bias) {

  /** The primitive, which runs with (left, right, [bias,] result). */
  Primitive make(Worker worker) {
    MemorySegment attributes = Primitive.attributes();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment left = Dnnl.matrix(arena, type, m, k, leftRowStride, leftColumnStride);
      MemorySegment right = Dnnl.matrix(arena, type, k, n, rightRowStride, rightColumnStride);
      MemorySegment shift =
          bias ? Dnnl.matrix(arena, DType.FLOAT32, 1, n, n, 1) : MemorySegment.NULL;
      MemorySegment out = Dnnl.matrix(arena, result, m, n, n, 1);
      MemorySegment descriptor =
          Dnnl.create(
              "dnnl_matmul_primitive_desc_create",
              r ->
                  dnnl_matmul_primitive_desc_create(
                      r, worker.engine(), left, right, shift, out, attributes));
      if (bias) {
        return new Primitive(
            worker,
            descriptor,
            new int[] {DNNL_ARG_SRC_0(), DNNL_ARG_WEIGHTS_0(), DNNL_ARG_BIAS(), DNNL_ARG_DST_0()},
            new int[] {
              dnnl_query_src_md(),
              dnnl_query_weights_md(),
              ConvolutionPrimitives.BIAS_QUERY,
              dnnl_query_dst_md()
            });
      }
      return new Primitive(
          worker,
          descriptor,
          new int[] {DNNL_ARG_SRC_0(), DNNL_ARG_WEIGHTS_0(), DNNL_ARG_DST_0()},
          new int[] {dnnl_query_src_md(), dnnl_query_weights_md(), dnnl_query_dst_md()});
    } finally {
      Dnnl.check(dnnl_primitive_attr_destroy(attributes), "dnnl_primitive_attr_destroy");
    }
  }
}
