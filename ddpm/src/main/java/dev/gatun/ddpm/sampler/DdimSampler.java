package dev.gatun.ddpm.sampler;

import dev.gatun.ddpm.diffusion.NoiseSchedule;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * From x_t to the next chosen step p: x_p = sqrt(alphaBar_p) x_0 + sqrt(1 - alphaBar_p - sigma^2)
 * eps + sigma z, with sigma = eta sqrt((1 - alphaBar_p) / (1 - alphaBar_t)) sqrt(1 - alphaBar_t /
 * alphaBar_p). Song et al. 2021, eqs. 12 and 16.
 *
 * <p>eps is what x_t holds beside the (clamped) x_0: (x_t - sqrt(alphaBar_t) x_0) / sqrt(1 -
 * alphaBar_t). The last step goes to x_0 itself.
 *
 * @param steps how many of the T steps are taken
 * @param eta 0 for a deterministic path, 1 for as much noise as the ancestral sampler
 * @param spacing which steps they are
 * @param clamp what is kept within [-1, 1] in each step
 */
public record DdimSampler(int steps, double eta, TimestepSpacing spacing, Clamp clamp)
    implements Sampler {

  public DdimSampler {
    if (steps < 1) {
      throw new IllegalArgumentException("DDIM sampler: expected 1 or more steps, got " + steps);
    }
    if (!(eta >= 0 && eta <= 1)) {
      throw new IllegalArgumentException("DDIM sampler: expected eta in 0 to 1, got " + eta);
    }
  }

  /** {@code steps} trailing steps without noise; x_0 is clamped. */
  public static DdimSampler of(int steps) {
    return new DdimSampler(steps, 0, TimestepSpacing.TRAILING, Clamp.IMAGE);
  }

  public DdimSampler withClamp(Clamp clamp) {
    return new DdimSampler(steps, eta, spacing, clamp);
  }

  @Override
  public List<SamplerStep> plan(NoiseSchedule schedule) {
    int[] timesteps = spacing.timesteps(schedule.steps(), steps);
    List<SamplerStep> plan = new ArrayList<>(timesteps.length);
    for (int i = 0; i < timesteps.length; i++) {
      int next = i + 1 < timesteps.length ? timesteps[i + 1] : -1;
      plan.add(step(schedule, timesteps[i], next, eta));
    }
    return List.copyOf(plan);
  }

  static SamplerStep step(NoiseSchedule schedule, int t, int next, double eta) {
    double now = schedule.alphaBar(t);
    double then = schedule.alphaBar(next);
    double sigma = eta * Math.sqrt((1 - then) / (1 - now) * (1 - now / then));
    double direction = Math.sqrt(Math.max(0, 1 - then - sigma * sigma));
    double state = direction / Math.sqrt(1 - now);
    return new SamplerStep(t, state, Math.sqrt(then) - state * Math.sqrt(now), sigma);
  }

  @Override
  public String describe() {
    return String.format(
        Locale.ROOT,
        "DDIM, %d %s steps, eta %s%s",
        steps,
        spacing.name().toLowerCase(Locale.ROOT),
        eta,
        clamp.suffix());
  }
}
