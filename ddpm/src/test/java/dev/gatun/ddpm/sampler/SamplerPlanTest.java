package dev.gatun.ddpm.sampler;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.gatun.ddpm.GoldenFile;
import dev.gatun.ddpm.diffusion.BetaSchedule;
import dev.gatun.ddpm.diffusion.NoiseSchedule;
import dev.gatun.ddpm.diffusion.Prediction;
import dev.gatun.ddpm.diffusion.Prediction.Weights;
import dev.gatun.ddpm.sampler.AncestralSampler.Variance;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SamplerPlanTest {
  private static final GoldenFile GOLDEN = new GoldenFile("diffusion.safetensors");

  @ParameterizedTest
  @CsvSource({"linear,EPSILON", "linear,X0", "linear,V", "cosine,EPSILON", "cosine,X0", "cosine,V"})
  void everyStepAgreesWithTheGoldenFile(String name, Prediction prediction) {
    NoiseSchedule schedule =
        NoiseSchedule.of(
            name.equals("linear") ? BetaSchedule.linear() : BetaSchedule.cosine(), 1000);
    String key = name + "." + prediction.name().toLowerCase(Locale.ROOT);
    double[] steps = GOLDEN.values("i");
    double[] previous = GOLDEN.values("prev");
    for (int row = 0; row < steps.length; row++) {
      int t = (int) steps[row];
      int next = (int) previous[row];
      check(schedule, prediction, key + ".ddim", row, DdimSampler.step(schedule, t, next, 0));
      check(schedule, prediction, key + ".ddim_eta1", row, DdimSampler.step(schedule, t, next, 1));
      SamplerStep posterior = AncestralSampler.step(schedule, t, t - 1, Variance.POSTERIOR);
      check(schedule, prediction, key + ".ancestral", row, posterior);
      SamplerStep beta = AncestralSampler.step(schedule, t, t - 1, Variance.BETA);
      check(schedule, prediction, key + ".ancestral_beta", row, beta);
    }
  }

  private static void check(
      NoiseSchedule schedule, Prediction prediction, String key, int row, SamplerStep step) {
    double[] states = GOLDEN.values(key.substring(0, key.indexOf('.')) + ".x_t");
    double[] predicted = GOLDEN.values("prediction");
    double[] noise = GOLDEN.values("step_noise");
    double[] plain = GOLDEN.values(key);
    double[] clipped = GOLDEN.values(key + "_clipped");
    Weights weights = prediction.image(schedule.signal(step.t()), schedule.noise(step.t()));
    for (int i = 16 * row; i < 16 * row + 16; i++) {
      double image = weights.first() * states[i] + weights.second() * predicted[i];
      double tolerance = 1e-8 * Math.max(1, Math.abs(plain[i]));
      assertEquals(plain[i], next(step, states[i], image, noise[i]), tolerance, key);
      double x0 = Math.clamp(image, -1, 1);
      assertEquals(clipped[i], next(step, states[i], x0, noise[i]), 1e-8, key + "_clipped");
    }
  }

  private static double next(SamplerStep step, double state, double image, double noise) {
    return step.stateWeight() * state + step.imageWeight() * image + step.noiseWeight() * noise;
  }

  @Test
  void everyPlanStartsNoisyAndEndsAtTheImage() {
    NoiseSchedule schedule = NoiseSchedule.of(BetaSchedule.cosine(), 1000);
    List<Sampler> samplers =
        List.of(
            DdimSampler.of(50),
            DdimSampler.of(7),
            DdimSampler.of(1000),
            AncestralSampler.of(AncestralSampler.ALL),
            AncestralSampler.of(30));
    for (Sampler sampler : samplers) {
      List<SamplerStep> plan = sampler.plan(schedule);
      assertEquals(999, plan.getFirst().t());
      for (int i = 1; i < plan.size(); i++) {
        assertEquals(1, Math.signum(plan.get(i - 1).t() - plan.get(i).t()), "steps descend");
      }
      assertEquals(0, plan.getLast().stateWeight(), 1e-12, sampler.describe());
      assertEquals(1, plan.getLast().imageWeight(), 1e-12, sampler.describe());
      assertEquals(0, plan.getLast().noiseWeight(), sampler.describe());
    }
  }

  @Test
  void aShorterAncestralChainIsDdimWithEtaOne() {
    NoiseSchedule schedule = NoiseSchedule.of(BetaSchedule.linear(), 1000);
    List<SamplerStep> ancestral = AncestralSampler.of(25).plan(schedule);
    List<SamplerStep> ddim =
        new DdimSampler(25, 1, TimestepSpacing.TRAILING, Clamp.IMAGE).plan(schedule);
    for (int i = 0; i < 25; i++) {
      assertEquals(ddim.get(i).t(), ancestral.get(i).t());
      assertEquals(ddim.get(i).stateWeight(), ancestral.get(i).stateWeight(), 1e-9);
      assertEquals(ddim.get(i).imageWeight(), ancestral.get(i).imageWeight(), 1e-9);
      assertEquals(ddim.get(i).noiseWeight(), ancestral.get(i).noiseWeight(), 1e-9);
    }
  }

  @Test
  void spacings() {
    assertArrayEquals(new int[] {9, 7, 4, 1}, TimestepSpacing.TRAILING.timesteps(10, 4));
    assertArrayEquals(new int[] {6, 4, 2, 0}, TimestepSpacing.LEADING.timesteps(10, 4));
    assertArrayEquals(new int[] {2, 1, 0}, TimestepSpacing.TRAILING.timesteps(3, 3));
    assertArrayEquals(new int[] {2, 1, 0}, TimestepSpacing.LEADING.timesteps(3, 3));
    assertThrows(IllegalArgumentException.class, () -> TimestepSpacing.LEADING.timesteps(10, 11));
    assertThrows(
        IllegalArgumentException.class,
        () -> new DdimSampler(0, 0, TimestepSpacing.LEADING, Clamp.NOTHING));
  }
}
