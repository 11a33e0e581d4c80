package dev.gatun.runtime.cuda;

import dev.gatun.runtime.op.Elementwise;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;

/**
 * Dense and aligned copies of operands, in another type where a library wants that, in device
 * memory that is kept: one place for each use, which grows to the largest that was asked for.
 */
final class Staging implements AutoCloseable {

  /** What a copy is of; one of each at a time. */
  enum Use {
    FIRST,
    SECOND,
    OTHER,
    VECTOR,
    OTHER_VECTOR,
    RESULT
  }

  private static final int VECTOR_ALIGNMENT = 16;

  private final Elementwise elementwise;
  private final Map<Use, Scratch> places = new EnumMap<>(Use.class);

  Staging(CudaSession session, Elementwise elementwise) {
    this.elementwise = elementwise;
    for (Use use : Use.values()) {
      places.put(use, session.scratch());
    }
  }

  /**
   * A bound of the bytes that all places take together, where no operand has more than {@code
   * operand} bytes as FLOAT32: four are of operands, and an eighth more for vectors and for the
   * numbers that attention's gradient keeps for each head of a row, of eight channels or more.
   */
  static long most(long operand) {
    return 4 * (operand + operand / 8);
  }

  /** {@code x} as {@code dtype}: itself where it is, else a copy. */
  Tensor as(Use use, Tensor x, DType dtype) {
    return x.dtype() == dtype ? x : copy(use, x, dtype);
  }

  /** A dense, aligned copy of {@code x} as {@code dtype}. */
  Tensor copy(Use use, Tensor x, DType dtype) {
    Tensor copy = room(use, x, dtype);
    elementwise.copy(x, copy);
    return copy;
  }

  /** Room for a dense tensor of {@code x}'s shape, to be copied to {@code x} when it is written. */
  Tensor room(Use use, Tensor x, DType dtype) {
    Shape shape = x.shape();
    return new Tensor(
        x.buffer(), bytes(use, shape.elements() * dtype.byteSize()), dtype, shape, x.channels());
  }

  /** The vector {@code x} as {@code dtype}, at an address that every engine and epilogue takes. */
  Tensor vector(Tensor x, DType dtype) {
    return x.dtype() == dtype && isAligned(x) ? x : copy(Use.VECTOR, x, dtype);
  }

  /** Whether every engine and epilogue takes the address of the vector {@code x}. */
  static boolean isAligned(Tensor x) {
    return x.segment().address() % VECTOR_ALIGNMENT == 0;
  }

  /** Room for {@code bytes}. */
  MemorySegment bytes(Use use, long bytes) {
    return Objects.requireNonNull(places.get(use)).of(bytes);
  }

  @Override
  public void close() {
    places.values().forEach(Scratch::close);
  }
}
