package dev.gatun.runtime.cuda;

import dev.gatun.runtime.op.Elementwise;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Dense and aligned copies of operands, in another type where a library wants that, in device
 * memory that is kept: one place for each use, which grows to the largest that was asked for. What
 * was outgrown stays, since a captured program may have its address.
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

  private final CudaSession session;
  private final Elementwise elementwise;
  private final List<MemorySegment> reserved = new ArrayList<>();
  private final @Nullable MemorySegment[] places = new @Nullable MemorySegment[Use.values().length];

  Staging(CudaSession session, Elementwise elementwise) {
    this.session = session;
    this.elementwise = elementwise;
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

  /** Room for {@code bytes}. */
  MemorySegment bytes(Use use, long bytes) {
    MemorySegment place = places[use.ordinal()];
    if (place == null || place.byteSize() < bytes) {
      long grown = place == null ? bytes : Math.max(bytes, 2 * place.byteSize());
      place = session.memory().reserve(grown);
      reserved.add(place);
      places[use.ordinal()] = place;
    }
    return place;
  }

  @Override
  public void close() {
    reserved.forEach(session.memory()::release);
    reserved.clear();
  }
}
