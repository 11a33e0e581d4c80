package dev.gatun.runtime.op;

/** The activations and their derivatives in double precision. */
final class ReferenceActivation {
  private ReferenceActivation() {}

  static double value(Activation f, double x) {
    return switch (f) {
      case IDENTITY -> x;
      case RELU -> Math.max(x, 0);
      case SILU -> x * sigmoid(x);
      case GELU -> x * normalDistribution(x);
      case SINE -> Math.sin(x);
    };
  }

  static double derivative(Activation f, double x) {
    return switch (f) {
      case IDENTITY -> 1;
      case RELU -> x > 0 ? 1 : 0;
      case SILU -> sigmoid(x) * (1 + x * (1 - sigmoid(x)));
      case GELU -> normalDistribution(x) + x * Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI);
      case SINE -> Math.cos(x);
    };
  }

  private static double sigmoid(double x) {
    return 1 / (1 + Math.exp(-x));
  }

  private static double normalDistribution(double x) {
    return ErrorFunction.erfc(-x / Math.sqrt(2)) / 2;
  }
}
