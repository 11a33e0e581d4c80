package dev.gatun.runtime.tensor;

/** The type of a tensor's elements. */
public enum DType {
  /** IEEE 754 binary32. */
  FLOAT32(4),
  /** The upper half of a binary32, rounded to nearest even. */
  BFLOAT16(2),
  /** Two's complement, 32 bits. */
  INT32(4),
  /** Unsigned, 8 bits. */
  UINT8(1);

  private final int byteSize;

  DType(int byteSize) {
    this.byteSize = byteSize;
  }

  /** Bytes of one element. */
  public int byteSize() {
    return byteSize;
  }

  /** Whether the elements are real numbers, of which gradients can be taken. */
  public boolean isFloatingPoint() {
    return this == FLOAT32 || this == BFLOAT16;
  }
}
