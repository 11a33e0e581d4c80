package dev.gatun.runtime.op;

import dev.gatun.runtime.tensor.DType;

/**
 * How far a result may be from the oracle: element by element |got - expected| at most {@code
 * relative * |expected| + ofScale * scale}, and over the whole tensor the Euclidean norm of the
 * errors at most {@code ofNorm} of that of the expected values or of the scale. The scale is the
 * root mean square of the expected values, or larger where terms cancel. All numbers of this kind
 * are in this file.
 */
public record Tolerance(double relative, double ofScale, double ofNorm) {
  private static final double FLOAT_UNIT = 0x1p-24; // the largest relative error of one rounding
  private static final double BFLOAT_UNIT = 0x1p-8;

  /**
   * For sums of {@code terms} products that are accumulated in fp32 and rounded to {@code output}.
   * Rounding errors of a running sum grow with the square root of the number of terms; the norm
   * allows a quarter of what the worst element may take.
   */
  public static Tolerance of(DType output, long terms) {
    double sum = 16 * FLOAT_UNIT * Math.sqrt(Math.max(terms, 1));
    return switch (output) {
      case FLOAT32 -> new Tolerance(16 * FLOAT_UNIT, sum, sum / 4);
      case BFLOAT16 -> new Tolerance(1.01 * BFLOAT_UNIT, sum, sum / 4 + 0.7 * BFLOAT_UNIT);
      case INT32, UINT8 -> new Tolerance(0, 0, 0);
    };
  }

  /**
   * For results of bfloat16 matrix engines that round more than the output: inputs of mixed dtypes,
   * of which the wider may be rounded, or a chain of products whose intermediate results are kept
   * in bfloat16.
   */
  public static Tolerance ofBfloat16Products(long terms) {
    double sum = 16 * FLOAT_UNIT * Math.sqrt(Math.max(terms, 1));
    return new Tolerance(2 * BFLOAT_UNIT, 4 * BFLOAT_UNIT + sum, 1.5 * BFLOAT_UNIT + sum);
  }

  /** This, {@code factor} times as wide: for a chain of operations each of which may err. */
  public Tolerance times(double factor) {
    return new Tolerance(factor * relative, factor * ofScale, factor * ofNorm);
  }

  /**
   * This, with {@code factor} times the room for single elements and the same bound of the norm:
   * where the rounding of one intermediate result shows in one element, whose other terms cancel.
   */
  public Tolerance withOutliers(double factor) {
    return new Tolerance(factor * relative, factor * ofScale, ofNorm);
  }
}
