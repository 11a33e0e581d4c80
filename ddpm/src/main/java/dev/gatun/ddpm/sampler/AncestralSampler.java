package dev.gatun.ddpm.sampler;

import dev.gatun.ddpm.diffusion.NoiseSchedule;
import java.util.ArrayList;
import java.util.List;

/**
 * x_(t-1) ~ N(mean, sigma^2) with the mean of q(x_(t-1) | x_t, x_0) for the network's x_0. Ho et
 * al. 2020, algorithm 2 and eq. 7; without clamping the mean is that of the algorithm's line 4.
 *
 * <p>With fewer than T steps the chain is that of the chosen steps alone, with beta = 1 -
 * alphaBar_t / alphaBar_p for the next chosen step p. Nichol and Dhariwal 2021, section 4.
 *
 * @param steps how many of the T steps are taken, {@link #ALL} for each of them
 * @param variance sigma^2; no noise is added in the last step
 * @param clamp what is kept within [-1, 1] in each step
 */
public record AncestralSampler(int steps, Variance variance, Clamp clamp) implements Sampler {
  /** As many steps as the schedule has. */
  public static final int ALL = 0;

  /** sigma^2 of a step: the two choices of Ho et al. 2020, section 3.2. */
  public enum Variance {
    /** That of q(x_(t-1) | x_t, x_0): (1 - alphaBar_(t-1)) / (1 - alphaBar_t) beta_t. */
    POSTERIOR,
    /** beta_t. */
    BETA
  }

  public AncestralSampler {
    if (steps < 0) {
      throw new IllegalArgumentException(
          "ancestral sampler: expected 1 or more steps, or 0 for all, got " + steps);
    }
  }

  /** {@code steps} steps of the posterior's variance; x_0 is clamped. */
  public static AncestralSampler of(int steps) {
    return new AncestralSampler(steps, Variance.POSTERIOR, Clamp.IMAGE);
  }

  public AncestralSampler withClamp(Clamp clamp) {
    return new AncestralSampler(steps, variance, clamp);
  }

  @Override
  public List<SamplerStep> plan(NoiseSchedule schedule) {
    int count = steps == ALL ? schedule.steps() : steps;
    int[] timesteps = TimestepSpacing.TRAILING.timesteps(schedule.steps(), count);
    List<SamplerStep> plan = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      plan.add(step(schedule, timesteps[i], i + 1 < count ? timesteps[i + 1] : -1, variance));
    }
    return List.copyOf(plan);
  }

  static SamplerStep step(NoiseSchedule schedule, int t, int next, Variance variance) {
    double now = schedule.alphaBar(t);
    double then = schedule.alphaBar(next);
    double beta = next == t - 1 ? schedule.beta(t) : 1 - now / then;
    double state = Math.sqrt(1 - beta) * (1 - then) / (1 - now);
    double image = Math.sqrt(then) * beta / (1 - now);
    double square =
        switch (variance) {
          case POSTERIOR -> (1 - then) / (1 - now) * beta;
          case BETA -> next < 0 ? 0 : beta;
        };
    return new SamplerStep(t, state, image, Math.sqrt(square));
  }

  @Override
  public String describe() {
    return "DDPM, " + (steps == ALL ? "all" : steps) + " steps" + clamp.suffix();
  }
}
