package dev.gatun.runtime.onednn.kernel;

/** The constants of e^x, and e^x of one number in the order of operations that the vectors use. */
final class ExpTerms {

  static final float LOW = -87.3f;
  static final float HIGH = 88.3f;
  static final float LOG2_E = 1.44269504088896341f;
  static final float LN_2_HIGH = 0.693359375f;
  static final float LN_2_LOW = -2.12194440e-4f;

  /** Adding it rounds to an integer, which then stands in the low bits. */
  static final float ROUND = 12582912f;

  static final int ROUND_BITS = Float.floatToRawIntBits(ROUND);

  // e^r / (1 + r) expanded on |r| <= ln 2 / 2, highest power first
  static final float C6 = 1.3981999507e-3f;
  static final float C5 = 8.3334519073e-3f;
  static final float C4 = 4.1665795894e-2f;
  static final float C3 = 1.6666665459e-1f;
  static final float C2 = 5.0000001201e-1f;

  // of 2^x

  static final float LOW_2 = -126f;

  /** Of attention's powers those below are 0: products with them would be subnormal, and slow. */
  static final float ZERO_2 = -117f;

  static final float HIGH_2 = 127f;

  // 2^r on |r| <= 1/2, minimal relative error (9.2e-8) with 2^0 = 1, highest power first
  static final float D5 = 1.3264726899e-3f;
  static final float D4 = 9.6715126606e-3f;
  static final float D3 = 5.5507337442e-2f;
  static final float D2 = 2.4022242085e-1f;
  static final float D1 = 6.9314697760e-1f;

  private ExpTerms() {}

  /** e^x, and 0 where it is below 2^{@link #ZERO_2}. */
  static float expOrZero(float x) {
    return x * LOG2_E < ZERO_2 ? 0 : exp(x);
  }

  static float exp(float x) {
    float bounded = Math.min(Math.max(x, LOW), HIGH);
    float shifted = Math.fma(bounded, LOG2_E, ROUND);
    float n = shifted - ROUND;
    float r = Math.fma(n, -LN_2_LOW, Math.fma(n, -LN_2_HIGH, bounded));
    float p = C6;
    p = Math.fma(p, r, C5);
    p = Math.fma(p, r, C4);
    p = Math.fma(p, r, C3);
    p = Math.fma(p, r, C2);
    p = Math.fma(p, r, 1f);
    p = Math.fma(p, r, 1f);
    int exponent = (Float.floatToRawIntBits(shifted) - ROUND_BITS) << 23;
    return Float.intBitsToFloat(Float.floatToRawIntBits(p) + exponent);
  }
}
