package dev.gatun.runtime.onednn.kernel;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Numbers at plain addresses. The kernels trust them: they were checked above the backend. */
public final class Memory {

  /**
   * All memory: an address is an offset in it, which spares every access the lookup of its segment.
   */
  static final MemorySegment ALL = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

  private Memory() {}

  public static float getFloat(long address) {
    return ALL.get(ValueLayout.JAVA_FLOAT_UNALIGNED, address);
  }

  public static void putFloat(long address, float value) {
    ALL.set(ValueLayout.JAVA_FLOAT_UNALIGNED, address, value);
  }

  /** Fills {@code values} from {@code address} on. */
  public static void getFloats(long address, float[] values) {
    MemorySegment.copy(ALL, ValueLayout.JAVA_FLOAT_UNALIGNED, address, values, 0, values.length);
  }

  public static void putFloats(long address, float[] values) {
    MemorySegment.copy(values, 0, ALL, ValueLayout.JAVA_FLOAT_UNALIGNED, address, values.length);
  }

  public static int getInt(long address) {
    return ALL.get(ValueLayout.JAVA_INT_UNALIGNED, address);
  }

  public static void putInt(long address, int value) {
    ALL.set(ValueLayout.JAVA_INT_UNALIGNED, address, value);
  }

  public static int getByte(long address) {
    return Byte.toUnsignedInt(ALL.get(ValueLayout.JAVA_BYTE, address));
  }

  public static void putByte(long address, int value) {
    ALL.set(ValueLayout.JAVA_BYTE, address, (byte) value);
  }

  /** A FLOAT32, or where {@code low} a BFLOAT16. */
  public static float get(long address, boolean low) {
    return low
        ? Float.intBitsToFloat(ALL.get(ValueLayout.JAVA_SHORT_UNALIGNED, address) << 16)
        : getFloat(address);
  }

  /** A FLOAT32, or where {@code low} a BFLOAT16, rounded to nearest even. */
  public static void put(long address, float value, boolean low) {
    if (low) {
      ALL.set(ValueLayout.JAVA_SHORT_UNALIGNED, address, toBfloat16(value));
    } else {
      putFloat(address, value);
    }
  }

  /** The BFLOAT16 nearest to {@code value}, ties to even; NaN stays NaN. */
  public static short toBfloat16(float value) {
    int bits = Float.floatToRawIntBits(value);
    if (Float.isNaN(value)) {
      return (short) ((bits >>> 16) | 0x40);
    }
    return (short) ((bits + 0x7FFF + ((bits >>> 16) & 1)) >>> 16);
  }

  /** {@code bytes} bytes from one place to another that does not overlap. */
  public static void copy(long from, long to, long bytes) {
    MemorySegment.copy(ALL, from, ALL, to, bytes);
  }

  /** {@code bytes} zero bytes. */
  public static void zero(long address, long bytes) {
    ALL.asSlice(address, bytes).fill((byte) 0);
  }
}
