package dev.gatun.runtime.cuda.cudnn;

import static dev.gatun.bindings.cudnn.Cudnn.*;
import static dev.gatun.runtime.cuda.cudnn.CudnnStatus.check;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * A cudnnBackendDescriptor_t: attributes are set, then it is finalized, after which they can only
 * be read. What a descriptor refers to must outlive it.
 */
final class Descriptor implements AutoCloseable {
  private final String name;
  private final MemorySegment pointer;

  /** An empty descriptor of {@code type}, one of CUDNN_BACKEND_..._DESCRIPTOR. */
  Descriptor(int type, String name) {
    this.name = name;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment result = arena.allocate(ValueLayout.ADDRESS);
      check(
          cudnnBackendCreateDescriptor(type, result), "cudnnBackendCreateDescriptor(" + name + ")");
      pointer = result.get(ValueLayout.ADDRESS, 0);
    }
  }

  MemorySegment pointer() {
    return pointer;
  }

  /** Sets int64 values. */
  Descriptor longs(int attribute, long... values) {
    try (Arena arena = Arena.ofConfined()) {
      set(
          attribute,
          CUDNN_TYPE_INT64(),
          values.length,
          arena.allocateFrom(ValueLayout.JAVA_LONG, values));
    }
    return this;
  }

  /** Sets an enumeration's value, of {@code type}. */
  Descriptor constant(int attribute, int type, int value) {
    try (Arena arena = Arena.ofConfined()) {
      set(attribute, type, 1, arena.allocateFrom(ValueLayout.JAVA_INT, value));
    }
    return this;
  }

  /** Sets a float. */
  Descriptor number(int attribute, float value) {
    try (Arena arena = Arena.ofConfined()) {
      set(attribute, CUDNN_TYPE_FLOAT(), 1, arena.allocateFrom(ValueLayout.JAVA_FLOAT, value));
    }
    return this;
  }

  /** Sets a bool to true. */
  Descriptor flag(int attribute) {
    try (Arena arena = Arena.ofConfined()) {
      set(attribute, CUDNN_TYPE_BOOLEAN(), 1, arena.allocateFrom(ValueLayout.JAVA_BYTE, (byte) 1));
    }
    return this;
  }

  /** Sets ASCII text. */
  Descriptor text(int attribute, String value) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment text = arena.allocateFrom(value, StandardCharsets.US_ASCII);
      set(attribute, CUDNN_TYPE_CHAR(), text.byteSize(), text);
    }
    return this;
  }

  /** Sets a pointer, of {@code type}. */
  Descriptor address(int attribute, int type, MemorySegment value) {
    try (Arena arena = Arena.ofConfined()) {
      set(attribute, type, 1, arena.allocateFrom(ValueLayout.ADDRESS, value));
    }
    return this;
  }

  /** Sets finalized descriptors. */
  Descriptor descriptors(int attribute, List<Descriptor> values) {
    try (Arena arena = Arena.ofConfined()) {
      set(attribute, CUDNN_TYPE_BACKEND_DESCRIPTOR(), values.size(), pointers(arena, values));
    }
    return this;
  }

  /** Sets a finalized descriptor. */
  Descriptor descriptor(int attribute, Descriptor value) {
    return descriptors(attribute, List.of(value));
  }

  /** Sets {@code count} values of {@code type} that lie at {@code values}. */
  void set(int attribute, int type, long count, MemorySegment values) {
    int status = cudnnBackendSetAttribute(pointer, attribute, type, count, values);
    if (status != CUDNN_STATUS_SUCCESS()) {
      throw CudnnStatus.exception(
          status, "cudnnBackendSetAttribute(" + name + ", " + attribute + ")");
    }
  }

  /** Says that all attributes are set: cuDNN checks them. */
  Descriptor finish() {
    int status = cudnnBackendFinalize(pointer);
    if (status != CUDNN_STATUS_SUCCESS()) {
      throw CudnnStatus.exception(status, "cudnnBackendFinalize(" + name + ")");
    }
    return this;
  }

  /** An int64 attribute's first value. */
  long longValue(int attribute) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment value = arena.allocate(ValueLayout.JAVA_LONG);
      get(arena, attribute, CUDNN_TYPE_INT64(), 1, value);
      return value.get(ValueLayout.JAVA_LONG, 0);
    }
  }

  /** All values, {@code most} at most, of an attribute that is a list of constants. */
  List<Integer> constants(int attribute, int type, int most) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment values = arena.allocate(ValueLayout.JAVA_INT, most);
      long count = get(arena, attribute, type, most, values);
      List<Integer> result = new ArrayList<>();
      for (long i = 0; i < Math.min(count, most); i++) {
        result.add(values.getAtIndex(ValueLayout.JAVA_INT, i));
      }
      return List.copyOf(result);
    }
  }

  /** How many values an attribute has. */
  long count(int attribute, int type) {
    try (Arena arena = Arena.ofConfined()) {
      return get(arena, attribute, type, 0, MemorySegment.NULL);
    }
  }

  /** Fills {@code targets}, which are not finalized, from an attribute; returns how many it has. */
  long read(int attribute, List<Descriptor> targets) {
    try (Arena arena = Arena.ofConfined()) {
      return get(
          arena,
          attribute,
          CUDNN_TYPE_BACKEND_DESCRIPTOR(),
          targets.size(),
          pointers(arena, targets));
    }
  }

  private long get(Arena arena, int attribute, int type, long most, MemorySegment values) {
    MemorySegment count = arena.allocate(ValueLayout.JAVA_LONG);
    check(
        cudnnBackendGetAttribute(pointer, attribute, type, most, count, values),
        "cudnnBackendGetAttribute(" + name + ", " + attribute + ")");
    return count.get(ValueLayout.JAVA_LONG, 0);
  }

  private static MemorySegment pointers(Arena arena, List<Descriptor> values) {
    MemorySegment pointers = arena.allocate(ValueLayout.ADDRESS, values.size());
    for (int i = 0; i < values.size(); i++) {
      pointers.setAtIndex(ValueLayout.ADDRESS, i, values.get(i).pointer);
    }
    return pointers;
  }

  @Override
  public void close() {
    check(cudnnBackendDestroyDescriptor(pointer), "cudnnBackendDestroyDescriptor(" + name + ")");
  }

  @Override
  public String toString() {
    return name;
  }
}
