package dev.gatun.runtime.onednn;

import static dev.gatun.bindings.onednn.OneDnn.*;

import dev.gatun.runtime.tensor.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * What every use of oneDNN's C interface needs: checked statuses, results by pointer, memory
 * descriptors.
 */
final class Dnnl {

  private Dnnl() {}

  /** Throws where {@code status}, the result of {@code call}, is not success. */
  static void check(int status, String call) {
    if (status != dnnl_success()) {
      String name = dnnl_status2str(status).reinterpret(Long.MAX_VALUE).getString(0);
      throw new OneDnnException(
          "oneDNN: "
              + call
              + " returned "
              + name
              + " ("
              + status
              + "); set ONEDNN_VERBOSE=all to see why");
    }
  }

  /** A call that writes one pointer through its first argument and returns a status. */
  @FunctionalInterface
  interface PointerCall {
    int into(MemorySegment result);
  }

  /** The pointer that {@code call} writes. */
  static MemorySegment create(String name, PointerCall call) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment result = arena.allocate(ValueLayout.ADDRESS);
      check(call.into(result), name);
      return result.get(ValueLayout.ADDRESS, 0);
    }
  }

  static int dataType(DType dtype) {
    return switch (dtype) {
      case FLOAT32 -> dnnl_f32();
      case BFLOAT16 -> dnnl_bf16();
      case INT32 -> dnnl_s32();
      case UINT8 -> dnnl_u8();
    };
  }

  /**
   * A descriptor of {@code dims} (in oneDNN's logical order) that lie {@code strides} elements
   * apart.
   */
  static MemorySegment strided(Arena arena, DType dtype, long[] dims, long[] strides) {
    return create(
        "dnnl_memory_desc_create_with_strides",
        r ->
            dnnl_memory_desc_create_with_strides(
                r, dims.length, longs(arena, dims), dataType(dtype), longs(arena, strides)));
  }

  /** A descriptor of {@code dims} whose layout oneDNN shall choose. */
  static MemorySegment any(Arena arena, DType dtype, long... dims) {
    return create(
        "dnnl_memory_desc_create_with_tag",
        r ->
            dnnl_memory_desc_create_with_tag(
                r, dims.length, longs(arena, dims), dataType(dtype), dnnl_format_tag_any()));
  }

  /** Images [n, c, h, w] that lie as n, h, w, c without gaps. */
  static MemorySegment images(Arena arena, DType dtype, long n, long c, long h, long w) {
    return strided(arena, dtype, new long[] {n, c, h, w}, new long[] {h * w * c, 1, w * c, c});
  }

  /** Convolution weights [o, c, h, w] that lie as o, h, w, c without gaps. */
  static MemorySegment filters(Arena arena, DType dtype, long o, long c, long h, long w) {
    return images(arena, dtype, o, c, h, w);
  }

  /** A vector of {@code n}. */
  static MemorySegment vector(Arena arena, DType dtype, long n) {
    return strided(arena, dtype, new long[] {n}, new long[] {1});
  }

  /** A matrix of {@code rows} by {@code columns} with the given distances. */
  static MemorySegment matrix(
      Arena arena, DType dtype, long rows, long columns, long rowStride, long columnStride) {
    return strided(arena, dtype, new long[] {rows, columns}, new long[] {rowStride, columnStride});
  }

  static MemorySegment longs(Arena arena, long... values) {
    return arena.allocateFrom(ValueLayout.JAVA_LONG, values);
  }
}
