package dev.gatun.runtime.tensor;

import dev.gatun.runtime.memory.DeviceArena;
import dev.gatun.runtime.memory.DeviceBuffer;
import java.lang.foreign.MemorySegment;

/**
 * An immutable description of numbers in device memory: rows of channels.
 *
 * <p>Element (row r, channel c) lies at {@code (r * rowStride + c) * dtype.byteSize()} bytes after
 * {@link #segment()}'s start, where the rows are all extents but the last, flattened (for an image
 * batch, the pixels in the order N, H, W). A tensor is dense when {@code rowStride} is its channel
 * count; a {@linkplain #channelSlice channel slice} of another is not.
 *
 * @param buffer the owner of the bytes
 * @param segment the bytes from the first element to the last
 * @param dtype the type of the elements
 * @param shape the extents
 * @param rowStride elements from one row to the next
 */
public record Tensor(
    DeviceBuffer buffer, MemorySegment segment, DType dtype, Shape shape, int rowStride) {

  public Tensor {
    if (rowStride < shape.channels()) {
      throw new IllegalArgumentException(
          "row stride " + rowStride + " is below the channels of " + shape);
    }
    long need = ((shape.rows() - 1) * rowStride + shape.channels()) * dtype.byteSize();
    if (segment.byteSize() < need) {
      throw new IllegalArgumentException(
          "tensor "
              + shape
              + " of "
              + dtype
              + " needs "
              + need
              + " bytes, got "
              + segment.byteSize());
    }
  }

  /** A dense tensor in new memory of {@code arena}, with undefined content. */
  public static Tensor allocate(DeviceArena arena, DType dtype, Shape shape) {
    DeviceBuffer buffer = arena.allocate(shape.elements() * dtype.byteSize());
    return new Tensor(buffer, buffer.segment(), dtype, shape, shape.channels());
  }

  /** The last extent. */
  public int channels() {
    return shape.channels();
  }

  /** The product of all extents but the last. */
  public long rows() {
    return shape.rows();
  }

  /** The number of elements. */
  public long elements() {
    return shape.elements();
  }

  /** Whether the rows follow each other without a gap. */
  public boolean isDense() {
    return rowStride == shape.channels();
  }

  /**
   * The same bytes under another shape with as many elements; where this is not dense, with the
   * same channels.
   */
  public Tensor reshape(Shape other) {
    if (other.elements() != shape.elements()
        || (!isDense() && other.channels() != shape.channels())) {
      throw new IllegalArgumentException("reshape of " + this + " to " + other);
    }
    return new Tensor(buffer, segment, dtype, other, isDense() ? other.channels() : rowStride);
  }

  /** Channels {@code from} to {@code from + count} of every row, in place. */
  public Tensor channelSlice(int from, int count) {
    if (from < 0 || count < 1 || from + count > channels()) {
      throw new IllegalArgumentException(
          "channels " + from + " to " + (from + count) + " of " + this);
    }
    long bytes = ((rows() - 1) * rowStride + count) * dtype.byteSize();
    MemorySegment part = segment.asSlice((long) from * dtype.byteSize(), bytes);
    return new Tensor(buffer, part, dtype, shape.withChannels(count), rowStride);
  }

  /**
   * Elements {@code from} to {@code from + shape.elements()} of a dense tensor, as a dense tensor
   * of {@code shape}.
   */
  public Tensor range(long from, Shape part) {
    if (!isDense() || from < 0 || from + part.elements() > elements()) {
      throw new IllegalArgumentException("elements " + from + " and " + part + " of " + this);
    }
    long size = dtype.byteSize();
    return new Tensor(
        buffer, segment.asSlice(from * size, part.elements() * size), dtype, part, part.channels());
  }

  /** Samples {@code from} to {@code from + count} along the first extent, in place. */
  public Tensor samples(int from, int count) {
    if (from < 0 || count < 1 || from + count > shape.batch()) {
      throw new IllegalArgumentException(
          "samples " + from + " to " + (from + count) + " of " + this);
    }
    int[] extents = shape.extents();
    long rowsPerSample = rows() / extents[0];
    extents[0] = count;
    Shape part = extents.length == 1 ? Shape.of(count) : Shape.of(extents);
    if (extents.length == 1) {
      return range(from, part);
    }
    long start = from * rowsPerSample * rowStride * dtype.byteSize();
    long bytes = ((count * rowsPerSample - 1) * rowStride + channels()) * dtype.byteSize();
    return new Tensor(buffer, segment.asSlice(start, bytes), dtype, part, rowStride);
  }

  /** The same numbers, handed out for reading: Java cannot write them, nor upload others. */
  public Tensor readOnly() {
    return new Tensor(buffer, segment.asReadOnly(), dtype, shape, rowStride);
  }

  /**
   * The bytes to write to.
   *
   * @throws IllegalArgumentException where this was handed out {@linkplain #readOnly for reading}
   */
  public MemorySegment writableSegment() {
    if (segment.isReadOnly()) {
      throw new IllegalArgumentException(
          "tensor " + this + " was handed out for reading: its owner has a method to change it");
    }
    return segment;
  }

  /** Returns the memory to its arena; views of this tensor share it. */
  public void release() {
    buffer.release();
  }

  @Override
  public String toString() {
    return dtype + shape.toString() + (isDense() ? "" : " with row stride " + rowStride);
  }
}
