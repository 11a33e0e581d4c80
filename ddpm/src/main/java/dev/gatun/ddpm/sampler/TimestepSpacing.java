package dev.gatun.ddpm.sampler;

/**
 * Which S of T diffusion steps a sampler takes. Lin et al. 2024, table 2, whose steps 1 .. T are
 * indices 0 .. T-1 here.
 */
public enum TimestepSpacing {
  /**
   * 0, c, 2 c, ... with c = T / S rounded down: ends at the cleanest step, may start before the
   * noisiest. Song et al. 2021, D.3.
   */
  LEADING,
  /** round(T - i T / S) - 1 for i = 0 .. S-1: starts at T - 1, pure noise. */
  TRAILING;

  /**
   * The indices, from noisy to clean.
   *
   * @throws IllegalArgumentException where {@code steps} is not in 1 .. {@code diffusionSteps}
   */
  public int[] timesteps(int diffusionSteps, int steps) {
    if (steps < 1 || steps > diffusionSteps) {
      throw new IllegalArgumentException(
          "sampler: expected 1 to " + diffusionSteps + " steps, got " + steps);
    }
    int[] indices = new int[steps];
    for (int i = 0; i < steps; i++) {
      indices[i] =
          switch (this) {
            case LEADING -> (steps - 1 - i) * (diffusionSteps / steps);
            case TRAILING ->
                (int) Math.rint(diffusionSteps - (double) i * diffusionSteps / steps) - 1;
          };
    }
    return indices;
  }
}
