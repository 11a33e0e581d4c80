package dev.gatun.ddpm.diffusion;

/**
 * What a network is trained to say about x_t = a x_0 + s eps, with a = sqrt(alphaBar_t) and s =
 * sqrt(1 - alphaBar_t). Each answer tells the same, weighted differently by the loss. Salimans and
 * Ho 2022, section 4 and appendix D.
 */
public enum Prediction {
  /** The noise eps. Ho et al. 2020, eq. 14. */
  EPSILON,
  /** The image x_0. */
  X0,
  /** v = a eps - s x_0. */
  V;

  /** Weights of a sum of two tensors: {@code first} of the one, {@code second} of the other. */
  public record Weights(double first, double second) {}

  /** The target as first x_0 + second eps. */
  public Weights target(double a, double s) {
    return switch (this) {
      case EPSILON -> new Weights(0, 1);
      case X0 -> new Weights(1, 0);
      case V -> new Weights(-s, a);
    };
  }

  /** x_0 as first x_t + second prediction. */
  public Weights image(double a, double s) {
    return switch (this) {
      case EPSILON -> new Weights(1 / a, -s / a);
      case X0 -> new Weights(0, 1);
      case V -> new Weights(a, -s);
    };
  }

  /** eps as first x_t + second prediction. */
  public Weights noise(double a, double s) {
    return switch (this) {
      case EPSILON -> new Weights(0, 1);
      case X0 -> new Weights(1 / s, -a / s);
      case V -> new Weights(s, a);
    };
  }
}
