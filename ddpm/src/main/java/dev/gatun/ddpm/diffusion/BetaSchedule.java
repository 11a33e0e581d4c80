package dev.gatun.ddpm.diffusion;

/**
 * How much variance beta_t each of T diffusion steps adds; index t is 0 .. T-1 for the papers'
 * steps 1 .. T.
 */
public sealed interface BetaSchedule {

  /** beta_0 .. beta_(T-1), each in (0, 1). */
  double[] betas(int steps);

  /** T = 1000 steps from 1e-4 to 0.02, as in Ho et al. 2020, section 4. */
  static BetaSchedule linear() {
    return new Linear(1e-4, 0.02);
  }

  /** The cosine schedule with s = 0.008 and betas of at most 0.999. */
  static BetaSchedule cosine() {
    return new Cosine(0.008, 0.999);
  }

  /**
   * beta_t = first + (last - first) t / (T - 1).
   *
   * @param first beta_0
   * @param last beta_(T-1)
   */
  record Linear(double first, double last) implements BetaSchedule {
    public Linear {
      requireBeta("first", first);
      requireBeta("last", last);
    }

    @Override
    public double[] betas(int steps) {
      requireSteps(steps);
      double[] betas = new double[steps];
      for (int t = 0; t < steps; t++) {
        betas[t] = steps == 1 ? first : first + (last - first) * t / (steps - 1);
      }
      return betas;
    }
  }

  /**
   * beta_t = min(1 - f(t + 1) / f(t), maxBeta) with f(t) = cos^2((t / T + offset) / (1 + offset) pi
   * / 2). Nichol and Dhariwal 2021, eq. 17 and the text below it.
   *
   * @param offset s of the paper: keeps the first betas from vanishing
   * @param maxBeta keeps the last step from being singular
   */
  record Cosine(double offset, double maxBeta) implements BetaSchedule {
    public Cosine {
      if (!(offset >= 0)) {
        throw new IllegalArgumentException(
            "cosine schedule: expected an offset of 0 or more, got " + offset);
      }
      requireBeta("maxBeta", maxBeta);
    }

    @Override
    public double[] betas(int steps) {
      requireSteps(steps);
      double[] betas = new double[steps];
      for (int t = 0; t < steps; t++) {
        betas[t] = Math.min(1 - f(t + 1, steps) / f(t, steps), maxBeta);
      }
      return betas;
    }

    private double f(int t, int steps) {
      double root = StrictMath.cos(((double) t / steps + offset) / (1 + offset) * Math.PI / 2);
      return root * root;
    }
  }

  private static void requireSteps(int steps) {
    if (steps < 1) {
      throw new IllegalArgumentException(
          "beta schedule: expected 1 or more diffusion steps, got " + steps);
    }
  }

  private static void requireBeta(String name, double beta) {
    if (!(beta > 0 && beta < 1)) {
      throw new IllegalArgumentException(
          "beta schedule: expected " + name + " between 0 and 1, got " + beta);
    }
  }
}
