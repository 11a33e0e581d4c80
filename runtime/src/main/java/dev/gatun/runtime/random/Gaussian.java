package dev.gatun.runtime.random;

/**
 * Normal numbers from pairs of random words, with the same bits wherever it is evaluated: only
 * additions, multiplications, fused multiply-adds and square roots of fp32, each correctly rounded,
 * in a fixed order.
 *
 * <p>radius = sqrt(-2 ln u) and angle = 2 pi v give radius * cos(angle) and radius * sin(angle),
 * where u = (a / 2^8 + 1) 2^-24 of the first word a is in (0, 1], and v = (b / 2^8) 2^-24 of the
 * second is in [0, 1). Box and Muller 1958. ln, sin and cos are polynomials on the reduced ranges
 * [sqrt 1/2, sqrt 2] and [-pi/4, pi/4]; their error is below 2^-22.
 */
public final class Gaussian {

  /** ln(1 + f) = f - f^2 / 2 + f^3 * polynomial(f), highest power first. */
  static final float[] LOG = {
    7.0376836292e-2f,
    -1.1514610310e-1f,
    1.1676998740e-1f,
    -1.2420140846e-1f,
    1.4249322787e-1f,
    -1.6668057665e-1f,
    2.0000714765e-1f,
    -2.4999993993e-1f,
    3.3333331174e-1f
  };

  /** sin a = a + a^3 * polynomial(a^2), highest power first. */
  static final float[] SIN = {-1.9515295891e-4f, 8.3321608736e-3f, -1.6666654611e-1f};

  /** cos a = 1 - a^2 / 2 + a^4 * polynomial(a^2), highest power first. */
  static final float[] COS = {2.443315711809948e-5f, -1.388731625493765e-3f, 4.166664568298827e-2f};

  static final float LN_2 = 0.693147180559945f;
  static final float HALF_PI = 1.5707963267948966f;
  static final int SQRT_2_BITS = 0x3FB504F3;

  private Gaussian() {}

  /** sqrt(-2 ln u) of the first word of a pair. */
  public static float radius(int word) {
    float k = (word >>> 8) + 1; // exact: at most 2^24
    int bits = Float.floatToRawIntBits(k);
    int exponent = (bits >>> 23) - 127;
    int mantissaBits = (bits & 0x007FFFFF) | 0x3F800000;
    if (mantissaBits > SQRT_2_BITS) {
      mantissaBits -= 0x00800000;
      exponent++;
    }
    float f = Float.intBitsToFloat(mantissaBits) - 1f;
    float square = f * f;
    float tail = polynomial(LOG, f) * f * square;
    float log = Math.fma(exponent - 24, LN_2, f + Math.fma(-0.5f, square, tail));
    return (float) Math.sqrt(-2f * log);
  }

  /** cos(2 pi v) of the second word of a pair. */
  public static float cosine(int word) {
    return sine(word, 1);
  }

  /** sin(2 pi v) of the second word of a pair. */
  public static float sine(int word) {
    return sine(word, 0);
  }

  private static float sine(int word, int quarterTurns) {
    int shifted = (word >>> 8) + (1 << 21);
    int quadrant = ((shifted >>> 22) + quarterTurns) & 3;
    float a = ((shifted & 0x3FFFFF) - (1 << 21)) * 0x1p-22f * HALF_PI;
    float square = a * a;
    float value;
    if ((quadrant & 1) == 0) {
      value = Math.fma(polynomial(SIN, square) * square, a, a);
    } else {
      value = Math.fma(polynomial(COS, square) * square, square, Math.fma(-0.5f, square, 1f));
    }
    return quadrant < 2 ? value : -value;
  }

  private static float polynomial(float[] coefficients, float x) {
    float value = coefficients[0];
    for (int i = 1; i < coefficients.length; i++) {
      value = Math.fma(value, x, coefficients[i]);
    }
    return value;
  }

  /**
   * Turns a Philox block of four words into four normal numbers: words (0, 1) give the first two,
   * (2, 3) the others.
   */
  public static void block(int[] words, int offset, float[] out, int outOffset) {
    for (int pair = 0; pair < 4; pair += 2) {
      float radius = radius(words[offset + pair]);
      out[outOffset + pair] = radius * cosine(words[offset + pair + 1]);
      out[outOffset + pair + 1] = radius * sine(words[offset + pair + 1]);
    }
  }
}
