package dev.gatun.ddpm.diffusion;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.ddpm.GoldenFile;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NoiseScheduleTest {
  private static final GoldenFile GOLDEN = new GoldenFile("diffusion.safetensors");

  @ParameterizedTest
  @ValueSource(strings = {"linear", "cosine"})
  void agreesWithTheGoldenFile(String name) {
    BetaSchedule betas = name.equals("linear") ? BetaSchedule.linear() : BetaSchedule.cosine();
    double[] expectedBetas = GOLDEN.values(name + ".betas");
    double[] expectedAlphaBars = GOLDEN.values(name + ".alphas_cumprod");
    NoiseSchedule schedule = NoiseSchedule.of(betas, 1000);
    assertEquals(expectedBetas.length, schedule.steps());
    for (int t = 0; t < 1000; t++) {
      assertEquals(expectedBetas[t], schedule.beta(t), 1e-12 * expectedBetas[t], "beta " + t);
      assertEquals(
          expectedAlphaBars[t], schedule.alphaBar(t), 1e-10 * expectedAlphaBars[t], "abar " + t);
      assertEquals(
          1, Math.pow(schedule.signal(t), 2) + Math.pow(schedule.noise(t), 2), 1e-14, "t " + t);
    }
  }

  @Test
  void theImageItselfIsBeforeTheFirstStep() {
    NoiseSchedule schedule = NoiseSchedule.of(BetaSchedule.linear(), 10);
    assertEquals(1, schedule.alphaBar(-1));
    assertTrue(schedule.signalToNoise(0) > schedule.signalToNoise(9));
  }

  @Test
  void refusesStepsThatItDoesNotHave() {
    NoiseSchedule schedule = NoiseSchedule.of(BetaSchedule.linear(), 10);
    for (Executable outside :
        List.<Executable>of(
            () -> schedule.beta(10),
            () -> schedule.alpha(-1),
            () -> schedule.alphaBar(10),
            () -> schedule.signal(-2),
            () -> schedule.signalToNoise(1000))) {
      String message = assertThrows(IndexOutOfBoundsException.class, outside).getMessage();
      assertTrue(message.contains("to 9, got"), message);
    }
  }

  @Test
  void refusesWhatIsNoVariance() {
    assertThrows(IllegalArgumentException.class, () -> new NoiseSchedule(new double[0]));
    assertThrows(IllegalArgumentException.class, () -> new NoiseSchedule(new double[] {0.1, 1}));
    assertThrows(IllegalArgumentException.class, () -> new BetaSchedule.Linear(0, 0.02));
    assertThrows(IllegalArgumentException.class, () -> new BetaSchedule.Cosine(-1, 0.999));
    assertThrows(IllegalArgumentException.class, () -> BetaSchedule.cosine().betas(0));
  }
}
