package dev.gatun.runtime.onednn.kernel;

import dev.gatun.runtime.op.Activation;

/** Activations of one number. */
final class ScalarActivation {

  private ScalarActivation() {}

  /** f(z). */
  static float value(Activation f, float z) {
    return switch (f) {
      case IDENTITY -> z;
      case RELU -> Math.max(z, 0f);
      case SILU -> z * sigmoid(z);
      case GELU -> z * ErfTerms.normalCdf(z);
      case SINE -> sine(z);
    };
  }

  /** dy * f'(z). */
  static float gradient(Activation f, float z, float dy) {
    return switch (f) {
      case IDENTITY -> dy;
      case RELU -> z <= 0f ? 0f : dy;
      case SILU -> {
        float s = sigmoid(z);
        yield dy * (s * Math.fma(z, 1f - s, 1f));
      }
      case GELU ->
          dy
              * Math.fma(
                  z, 0.39894228040143268f * ExpTerms.exp(-0.5f * z * z), ErfTerms.normalCdf(z));
      case SINE -> dy * cosine(z);
    };
  }

  private static float sigmoid(float x) {
    return 1f / (1f + ExpTerms.exp(-x));
  }

  /** sin z, with the same bits everywhere. */
  static float sine(float z) {
    return SineTerms.of(z, 0);
  }

  /** cos z, with the same bits everywhere. */
  static float cosine(float z) {
    return SineTerms.of(z, 1);
  }
}
