package dev.gatun.ddpm.diffusion;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gatun.ddpm.GoldenFile;
import dev.gatun.ddpm.diffusion.Prediction.Weights;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PredictionTest {
  private static final GoldenFile GOLDEN = new GoldenFile("diffusion.safetensors");

  @ParameterizedTest
  @CsvSource({"linear,EPSILON", "linear,X0", "linear,V", "cosine,EPSILON", "cosine,X0", "cosine,V"})
  void agreesWithTheGoldenFile(String name, Prediction prediction) {
    NoiseSchedule schedule =
        NoiseSchedule.of(
            name.equals("linear") ? BetaSchedule.linear() : BetaSchedule.cosine(), 1000);
    String key = name + "." + prediction.name().toLowerCase(Locale.ROOT);
    double[] steps = GOLDEN.values("i");
    double[] state = GOLDEN.values(name + ".x_t");
    double[] predicted = GOLDEN.values("prediction");
    double[] image = GOLDEN.values(key + ".x0");
    double[] noise = GOLDEN.values(key + ".eps");
    int width = state.length / steps.length;
    for (int i = 0; i < state.length; i++) {
      double a = schedule.signal((int) steps[i / width]);
      double s = schedule.noise((int) steps[i / width]);
      double x0 = sum(prediction.image(a, s), state[i], predicted[i]);
      double eps = sum(prediction.noise(a, s), state[i], predicted[i]);
      assertEquals(image[i], x0, 1e-9 * Math.max(1, Math.abs(image[i])));
      assertEquals(noise[i], eps, 1e-9 * Math.max(1, Math.abs(noise[i])));
    }
  }

  @Test
  void theTargetOfVIsThatOfTheGoldenFile() {
    NoiseSchedule schedule = NoiseSchedule.of(BetaSchedule.cosine(), 1000);
    double[] steps = GOLDEN.values("i");
    double[] x0 = GOLDEN.values("x0");
    double[] eps = GOLDEN.values("noise");
    double[] v = GOLDEN.values("cosine.v");
    for (int i = 0; i < v.length; i++) {
      int t = (int) steps[i / (v.length / steps.length)];
      Weights weights = Prediction.V.target(schedule.signal(t), schedule.noise(t));
      assertEquals(v[i], sum(weights, x0[i], eps[i]), 1e-9);
    }
  }

  @Test
  void aPerfectPredictionGivesBackImageAndNoise() {
    double a = 0.6;
    double s = 0.8;
    double state = a * 0.3 + s * -1.7;
    for (Prediction prediction : Prediction.values()) {
      double target = sum(prediction.target(a, s), 0.3, -1.7);
      assertEquals(0.3, sum(prediction.image(a, s), state, target), 1e-12);
      assertEquals(-1.7, sum(prediction.noise(a, s), state, target), 1e-12);
    }
  }

  private static double sum(Weights weights, double x, double y) {
    return weights.first() * x + weights.second() * y;
  }
}
