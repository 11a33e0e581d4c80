package dev.gatun.runtime.op;

/** erf and erfc in double precision. */
final class ErrorFunction {
  private static final double TWO_OVER_ROOT_PI = 2 / Math.sqrt(Math.PI);

  private ErrorFunction() {}

  static double erf(double x) {
    return Math.abs(x) < 2 ? series(x) : Math.copySign(1 - continuedFraction(Math.abs(x)), x);
  }

  /** 1 - erf(x), without cancellation for large x. */
  static double erfc(double x) {
    if (x < 2) {
      return x > -2 ? 1 - series(x) : 2 - continuedFraction(-x);
    }
    return continuedFraction(x);
  }

  /**
   * 2 / sqrt(pi) exp(-x^2) sum_n 2^n x^(2n+1) / (1 * 3 * ... * (2n+1)). Abramowitz and Stegun
   * 7.1.6.
   */
  private static double series(double x) {
    double term = x;
    double sum = x;
    for (int n = 1; Math.abs(term) > 1e-18 * Math.abs(sum); n++) {
      term *= 2 * x * x / (2 * n + 1);
      sum += term;
    }
    return TWO_OVER_ROOT_PI * Math.exp(-x * x) * sum;
  }

  /**
   * erfc(x) = exp(-x^2) / sqrt(pi) / (x + (1/2) / (x + (2/2) / (x + (3/2) / (x + ...)))), x >= 2.
   * Abramowitz and Stegun 7.1.14.
   */
  private static double continuedFraction(double x) {
    double tail = x;
    for (int k = 120; k > 0; k--) {
      tail = x + 0.5 * k / tail;
    }
    return Math.exp(-x * x) / Math.sqrt(Math.PI) / tail;
  }
}
