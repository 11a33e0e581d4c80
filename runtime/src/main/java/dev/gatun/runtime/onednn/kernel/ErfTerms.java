package dev.gatun.runtime.onednn.kernel;

/**
 * erfc(t) = exp(t * polynomial(t)) for t in [0, 5.5], with an absolute error below 2^-24; beyond,
 * it is less than that of 0. The polynomial is a weighted least-squares fit of ln(erfc(t)) / t.
 */
final class ErfTerms {

  static final float LIMIT = 5.5f;

  /** Highest power first. */
  static final float[] C = {
    -5.616972771349538e-7f,
    1.2570985745696817e-5f,
    -1.1798780906246975e-4f,
    5.935859517194331e-4f,
    -1.547659165225923e-3f,
    -6.906786325089342e-7f,
    1.926560513675213e-2f,
    -0.10281799733638763f,
    -0.6366128921508789f,
    -1.128379464149475f
  };

  private ErfTerms() {}

  /** (1 + erf(x / sqrt 2)) / 2. */
  static float normalCdf(float x) {
    float z = x * 0.70710678118654752f;
    float t = Math.min(Math.abs(z), LIMIT);
    float p = C[0];
    for (int i = 1; i < C.length; i++) {
      p = Math.fma(p, t, C[i]);
    }
    float tail = t < LIMIT ? 0.5f * ExpTerms.exp(p * t) : 0f;
    return z > 0 ? 1f - tail : tail;
  }
}
