package dev.gatun.runtime.cuda.cudnn;

import static dev.gatun.bindings.cudnn.Cudnn.*;

import dev.gatun.runtime.tensor.DType;
import java.util.List;

/**
 * A tensor of an operation graph, in cuDNN's order of extents: [N, C, H, W] for images and [O, C,
 * H, W] for filters, whose strides say that channels lie innermost.
 *
 * @param id the number by which a {@link VariantPack} gives its address; of no meaning where
 *     virtual
 * @param alignment what its address is a multiple of, in bytes
 */
record GraphTensor(
    int id, DType dtype, List<Long> extents, List<Long> strides, int alignment, Storage storage) {

  /** Where its elements are. */
  enum Storage {
    /** In device memory. */
    DEVICE,
    /** Nowhere: the operations that share it are fused. */
    VIRTUAL,
    /** One number, in host memory. */
    HOST
  }

  /** The alignment that every engine is content with. */
  static final int ALIGNED = 16;

  /** Images as rows of {@code c} channels, {@code rowStride} elements apart. */
  static GraphTensor images(
      int id, DType dtype, long n, long c, long h, long w, long rowStride, int alignment) {
    return new GraphTensor(
        id,
        dtype,
        List.of(n, c, h, w),
        List.of(h * w * rowStride, 1L, w * rowStride, rowStride),
        alignment,
        Storage.DEVICE);
  }

  /** A vector of {@code c} channels that is added to each pixel. */
  static GraphTensor channels(int id, DType dtype, long c, int alignment) {
    return images(id, dtype, 1, c, 1, 1, c, alignment);
  }

  /** A tensor of four extents. */
  static GraphTensor of(
      int id, DType dtype, List<Long> extents, List<Long> strides, int alignment) {
    return new GraphTensor(id, dtype, extents, strides, alignment, Storage.DEVICE);
  }

  /** One fp32 number in host memory. */
  static GraphTensor number(int id) {
    List<Long> ones = List.of(1L, 1L, 1L, 1L);
    return new GraphTensor(id, DType.FLOAT32, ones, ones, Float.BYTES, Storage.HOST);
  }

  /** The same as fp32 between fused operations. */
  GraphTensor virtual(int virtualId) {
    return new GraphTensor(virtualId, DType.FLOAT32, extents, strides, ALIGNED, Storage.VIRTUAL);
  }

  /** The largest of 16, 8, 4, ... that divides the address. */
  static int alignmentOf(long address) {
    return (int) Math.min(ALIGNED, Long.lowestOneBit(address | ALIGNED));
  }

  Descriptor describe() {
    Descriptor descriptor = new Descriptor(CUDNN_BACKEND_TENSOR_DESCRIPTOR(), "tensor " + id);
    descriptor
        .longs(CUDNN_ATTR_TENSOR_UNIQUE_ID(), id)
        .constant(CUDNN_ATTR_TENSOR_DATA_TYPE(), CUDNN_TYPE_DATA_TYPE(), dataType(dtype))
        .longs(CUDNN_ATTR_TENSOR_DIMENSIONS(), array(extents))
        .longs(CUDNN_ATTR_TENSOR_STRIDES(), array(strides))
        .longs(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT(), alignment);
    switch (storage) {
      case DEVICE -> {}
      case VIRTUAL -> descriptor.flag(CUDNN_ATTR_TENSOR_IS_VIRTUAL());
      case HOST -> descriptor.flag(CUDNN_ATTR_TENSOR_IS_BY_VALUE());
    }
    return descriptor.finish();
  }

  static int dataType(DType dtype) {
    return switch (dtype) {
      case FLOAT32 -> CUDNN_DATA_FLOAT();
      case BFLOAT16 -> CUDNN_DATA_BFLOAT16();
      case INT32 -> CUDNN_DATA_INT32();
      case UINT8 -> CUDNN_DATA_UINT8();
    };
  }

  private static long[] array(List<Long> values) {
    return values.stream().mapToLong(Long::longValue).toArray();
  }
}
