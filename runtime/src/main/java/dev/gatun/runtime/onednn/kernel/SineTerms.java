package dev.gatun.runtime.onednn.kernel;

/**
 * Sines in double precision by Taylor's series on |r| at most pi / 4, in additions and
 * multiplications alone: the same bits interpreted and compiled, and nothing on the heap.
 */
final class SineTerms {
  private static final double QUARTERS = 2 / Math.PI;

  // pi / 2 in two parts, the first of 33 bits: its product with a quarter turn's number is exact
  private static final double HALF_PI_HIGH = 1.5707963267341256;
  private static final double HALF_PI_LOW = 6.077100506506192e-11;

  /** Beyond, the reduced argument would lose digits. */
  private static final float LIMIT = 1e5f;

  private SineTerms() {}

  /**
   * sin(z + quarterTurns * pi / 2), to half a unit in the last place of a float and little more.
   */
  static float of(float z, int quarterTurns) {
    if (!(Math.abs(z) <= LIMIT)) {
      return (float) (quarterTurns == 0 ? StrictMath.sin(z) : StrictMath.cos(z));
    }
    double turns = Math.rint(z * QUARTERS);
    double r = z - turns * HALF_PI_HIGH - turns * HALF_PI_LOW;
    int quadrant = ((int) turns + quarterTurns) & 3;
    double square = r * r;
    double value = (quadrant & 1) == 0 ? r * sine(square) : cosine(square);
    return (float) (quadrant < 2 ? value : -value);
  }

  /** sin r / r. */
  private static double sine(double square) {
    double p = -1 / 39916800.0;
    p = p * square + 1 / 362880.0;
    p = p * square - 1 / 5040.0;
    p = p * square + 1 / 120.0;
    p = p * square - 1 / 6.0;
    return p * square + 1;
  }

  private static double cosine(double square) {
    double p = 1 / 479001600.0;
    p = p * square - 1 / 3628800.0;
    p = p * square + 1 / 40320.0;
    p = p * square - 1 / 720.0;
    p = p * square + 1 / 24.0;
    p = p * square - 0.5;
    return p * square + 1;
  }
}
