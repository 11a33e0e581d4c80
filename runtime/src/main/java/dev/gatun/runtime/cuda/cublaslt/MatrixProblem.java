package dev.gatun.runtime.cuda.cublaslt;

import dev.gatun.runtime.tensor.DType;
import java.util.Locale;

/**
 * d = a b, in cuBLASLt's column-major terms: d [m, n], and with {@code transposeA} a is stored [k,
 * m], otherwise [m, k]; b likewise [n, k] or [k, n]. Sums are fp32.
 *
 * @param aStride elements from one column of a, as it is stored, to the next; bStride and dStride
 *     likewise
 * @param input the type of a and b
 * @param output the type of d
 * @param epilogue what else is computed with the product
 * @param vector the type of the epilogue's vector
 * @param vectorAlignment what its address is a multiple of
 * @param alignment what the addresses of a, b and d, and their strides in bytes, are multiples of
 * @param tensorFloats whether fp32 numbers may be rounded to tf32
 */
public record MatrixProblem(
    long m,
    long n,
    long k,
    boolean transposeA,
    boolean transposeB,
    long aStride,
    long bStride,
    long dStride,
    DType input,
    DType output,
    Epilogue epilogue,
    DType vector,
    int vectorAlignment,
    int alignment,
    boolean tensorFloats) {

  /** What is computed with the product in the same kernel. */
  public enum Epilogue {
    NONE,
    /** d += a vector of m, to each column. */
    BIAS,
    /** A vector of n is written: the sums of b over k. */
    SUM_OF_B
  }

  /** The most that {@link #alignment} tells apart. */
  private static final int ALIGNED = 256;

  /** The largest power of two, up to 256, that divides all of {@code values}. */
  public static int alignmentOf(long... values) {
    long all = ALIGNED;
    for (long value : values) {
      all |= value;
    }
    return (int) Long.lowestOneBit(all);
  }

  @Override
  public String toString() {
    return String.format(
        Locale.ROOT,
        "matrix product %d x %d x %d%s%s, %s to %s%s",
        m,
        k,
        n,
        transposeA ? ", a transposed" : "",
        transposeB ? ", b transposed" : "",
        input,
        output,
        epilogue == Epilogue.NONE ? "" : ", " + epilogue + " of " + vector);
  }
}
