package dev.gatun.runtime.op;

import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The elements of a tensor in host memory as a row-major array of doubles, without the gaps between
 * its rows.
 */
public final class TensorValues {

  private TensorValues() {}

  /** All elements, row by row; integers are exact. */
  public static double[] read(Tensor tensor) {
    int channels = tensor.channels();
    double[] values = new double[Math.toIntExact(tensor.elements())];
    for (int i = 0; i < values.length; i++) {
      values[i] =
          get(
              tensor.segment(),
              tensor.dtype(),
              (long) (i / channels) * tensor.rowStride() + i % channels);
    }
    return values;
  }

  /** Overwrites all elements, rounded to nearest even; the gaps between rows stay as they are. */
  public static void write(double[] values, Tensor tensor) {
    if (values.length != tensor.elements()) {
      throw new IllegalArgumentException(values.length + " values for " + tensor);
    }
    int channels = tensor.channels();
    for (int i = 0; i < values.length; i++) {
      set(
          tensor.segment(),
          tensor.dtype(),
          (long) (i / channels) * tensor.rowStride() + i % channels,
          values[i]);
    }
  }

  /** What an element of {@code dtype} keeps of {@code value}. */
  public static double round(DType dtype, double value) {
    return switch (dtype) {
      case FLOAT32 -> (float) value;
      case BFLOAT16 -> fromBfloat16(toBfloat16((float) value));
      case INT32 -> (int) value;
      case UINT8 -> (int) value & 0xFF;
    };
  }

  /** The upper half of {@code value}, rounded to nearest even; a NaN stays one. */
  public static short toBfloat16(float value) {
    int bits = Float.floatToRawIntBits(value);
    if (Float.isNaN(value)) {
      return (short) (bits >>> 16 | 0x40);
    }
    return (short) (bits + 0x7FFF + (bits >>> 16 & 1) >>> 16);
  }

  /** The number that a bfloat16 stands for. */
  public static float fromBfloat16(short bits) {
    return Float.intBitsToFloat(bits << 16);
  }

  private static double get(MemorySegment segment, DType dtype, long index) {
    long at = index * dtype.byteSize();
    return switch (dtype) {
      case FLOAT32 -> segment.get(ValueLayout.JAVA_FLOAT_UNALIGNED, at);
      case BFLOAT16 -> fromBfloat16(segment.get(ValueLayout.JAVA_SHORT_UNALIGNED, at));
      case INT32 -> segment.get(ValueLayout.JAVA_INT_UNALIGNED, at);
      case UINT8 -> segment.get(ValueLayout.JAVA_BYTE, at) & 0xFF;
    };
  }

  private static void set(MemorySegment segment, DType dtype, long index, double value) {
    long at = index * dtype.byteSize();
    switch (dtype) {
      case FLOAT32 -> segment.set(ValueLayout.JAVA_FLOAT_UNALIGNED, at, (float) value);
      case BFLOAT16 -> segment.set(ValueLayout.JAVA_SHORT_UNALIGNED, at, toBfloat16((float) value));
      case INT32 -> segment.set(ValueLayout.JAVA_INT_UNALIGNED, at, (int) value);
      case UINT8 -> segment.set(ValueLayout.JAVA_BYTE, at, (byte) (int) value);
    }
  }
}
