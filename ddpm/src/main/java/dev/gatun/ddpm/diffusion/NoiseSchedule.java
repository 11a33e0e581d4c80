package dev.gatun.ddpm.diffusion;

/**
 * The variances of a diffusion of T steps and what follows from them, in double precision.
 *
 * <p>alpha_t = 1 - beta_t and alphaBar_t = alpha_0 ... alpha_t, so that q(x_t | x_0) =
 * N(sqrt(alphaBar_t) x_0, (1 - alphaBar_t) I). Index t is 0 .. T-1; the papers' step is t + 1, and
 * what they call alphaBar_0 is 1. Ho et al. 2020, eqs. 2 to 4.
 */
public final class NoiseSchedule {
  private final double[] betas;
  private final double[] alphaBars;

  /** The schedule with these betas, each in (0, 1). */
  public NoiseSchedule(double[] betas) {
    if (betas.length == 0) {
      throw new IllegalArgumentException("noise schedule: expected 1 or more betas, got none");
    }
    this.betas = betas.clone();
    this.alphaBars = new double[betas.length];
    double product = 1;
    for (int t = 0; t < betas.length; t++) {
      if (!(betas[t] > 0 && betas[t] < 1)) {
        throw new IllegalArgumentException(
            "noise schedule: expected betas between 0 and 1, got " + betas[t] + " at index " + t);
      }
      product *= 1 - betas[t];
      alphaBars[t] = product;
    }
  }

  /** The schedule of {@code steps} steps. */
  public static NoiseSchedule of(BetaSchedule betas, int steps) {
    return new NoiseSchedule(betas.betas(steps));
  }

  /** T: how many steps there are. */
  public int steps() {
    return betas.length;
  }

  /** beta_t. */
  public double beta(int t) {
    return betas[requireStep(t, 0)];
  }

  /** alpha_t = 1 - beta_t. */
  public double alpha(int t) {
    return 1 - beta(t);
  }

  /** alphaBar_t = alpha_0 ... alpha_t; 1 at t = -1, the image itself. */
  public double alphaBar(int t) {
    return requireStep(t, -1) < 0 ? 1 : alphaBars[t];
  }

  private int requireStep(int t, int first) {
    if (t < first || t >= betas.length) {
      throw new IndexOutOfBoundsException(
          "noise schedule: expected a step t of %d to %d, got %d"
              .formatted(first, betas.length - 1, t));
    }
    return t;
  }

  /** sqrt(alphaBar_t): the weight of the image in x_t. */
  public double signal(int t) {
    return Math.sqrt(alphaBar(t));
  }

  /** sqrt(1 - alphaBar_t): the weight of the noise in x_t. */
  public double noise(int t) {
    return Math.sqrt(1 - alphaBar(t));
  }

  /** alphaBar_t / (1 - alphaBar_t): the signal-to-noise ratio of x_t. Kingma et al. 2021, eq. 2. */
  public double signalToNoise(int t) {
    return alphaBar(t) / (1 - alphaBar(t));
  }
}
