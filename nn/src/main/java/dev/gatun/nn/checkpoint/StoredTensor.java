package dev.gatun.nn.checkpoint;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.LinkedList;
import java.util.List;

/**
 * A tensor of a file: element [i, j, ...] is element {@code i strides[0] + j strides[1] + ...} of
 * {@code data}.
 *
 * @param name unique in the file
 * @param type the type of the elements
 * @param shape the extents, outermost first; none is a scalar
 * @param strides elements from one index to the next, 0 or more, one for each extent
 * @param data the bytes from the first element to the last, little endian; valid until the file is
 *     closed
 */
public record StoredTensor(
    String name, ElementType type, List<Long> shape, List<Long> strides, MemorySegment data) {

  public StoredTensor {
    shape = List.copyOf(shape);
    strides = List.copyOf(strides);
  }

  /** A tensor whose elements follow each other in row-major order. */
  static StoredTensor rowMajor(
      String name, ElementType type, List<Long> shape, MemorySegment data) {
    return new StoredTensor(name, type, shape, rowMajorStrides(shape), data);
  }

  static List<Long> rowMajorStrides(List<Long> shape) {
    LinkedList<Long> strides = new LinkedList<>();
    long stride = 1;
    for (long extent : shape.reversed()) {
      strides.addFirst(stride);
      stride *= Math.max(extent, 1);
    }
    return strides;
  }

  /** How many elements it has. */
  public long elements() {
    return shape.stream().reduce(1L, (a, b) -> a * b);
  }

  /** The bytes of its elements in row-major order. */
  public long byteSize() {
    return elements() * type.byteSize();
  }

  /** Whether the elements follow each other in row-major order. */
  public boolean isRowMajor() {
    if (elements() == 0) {
      return true;
    }
    List<Long> dense = rowMajorStrides(shape);
    for (int axis = 0; axis < shape.size(); axis++) {
      if (shape.get(axis) > 1 && !strides.get(axis).equals(dense.get(axis))) {
        return false;
      }
    }
    return true;
  }

  /** The elements in row-major order: {@link #data} itself, or a copy that is allocated. */
  public MemorySegment toRowMajor(SegmentAllocator allocator) {
    if (isRowMajor()) {
      return data;
    }
    MemorySegment copy = allocator.allocate(byteSize(), 64);
    copyTo(copy);
    return copy;
  }

  /** Copies the elements in row-major order to {@code destination}, of {@link #byteSize} bytes. */
  public void copyTo(MemorySegment destination) {
    if (isRowMajor()) {
      MemorySegment.copy(data, 0, destination, 0, byteSize());
      return;
    }
    int size = type.byteSize();
    int inner = shape.size() - 1;
    long count = shape.get(inner);
    long step = strides.get(inner) * size;
    long[] index = new long[inner];
    long rows = elements() / count;
    long from = 0; // of the row, in elements
    for (long row = 0; row < rows; row++) {
      long to = row * count * size;
      for (long i = 0; i < count; i++) {
        copyElement(size, from * size + i * step, destination, to + i * size);
      }
      for (int axis = inner - 1; axis >= 0; axis--) {
        from += strides.get(axis);
        if (++index[axis] < shape.get(axis)) {
          break;
        }
        from -= index[axis] * strides.get(axis);
        index[axis] = 0;
      }
    }
  }

  private void copyElement(int size, long from, MemorySegment destination, long to) {
    switch (size) {
      case 4 -> destination.set(ElementType.INT, to, data.get(ElementType.INT, from));
      case 8 -> destination.set(ElementType.LONG, to, data.get(ElementType.LONG, from));
      case 2 -> destination.set(ElementType.SHORT, to, data.get(ElementType.SHORT, from));
      default -> MemorySegment.copy(data, from, destination, to, size);
    }
  }

  /** {@code F32[3, 2]}. */
  @Override
  public String toString() {
    return type + shape.toString();
  }
}
