package dev.gatun.runtime.onednn.kernel;

import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Tensor;

/**
 * Where rows of floating-point numbers lie.
 *
 * @param address of the first
 * @param stride bytes from one row to the next
 * @param low BFLOAT16 rather than FLOAT32
 */
public record Rows(long address, long stride, boolean low) {

  /** The rows of {@code tensor} from number {@code first} on. */
  public static Rows of(Tensor tensor, long first) {
    long stride = (long) tensor.rowStride() * tensor.dtype().byteSize();
    return new Rows(
        tensor.segment().address() + first * stride, stride, tensor.dtype() == DType.BFLOAT16);
  }

  /** Dense rows of {@code width} numbers. */
  public static Rows dense(long address, long width, DType dtype) {
    return new Rows(address, width * dtype.byteSize(), dtype == DType.BFLOAT16);
  }

  /** The address of row {@code row}. */
  public long at(long row) {
    return address + row * stride;
  }

  /** Bytes of one number. */
  public int size() {
    return low ? 2 : 4;
  }

  /** Whether rows of {@code width} follow each other without a gap. */
  public boolean isDense(long width) {
    return stride == width * size();
  }
}
