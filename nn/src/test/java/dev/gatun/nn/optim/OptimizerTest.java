package dev.gatun.nn.optim;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.gatun.nn.NetworkTest;
import dev.gatun.nn.autograd.Initialization;
import dev.gatun.nn.autograd.Parameter;
import dev.gatun.nn.autograd.ParameterStore;
import dev.gatun.nn.autograd.Scope;
import dev.gatun.runtime.op.TensorValues;
import dev.gatun.runtime.tensor.Shape;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Updates against plain loops in double precision. */
class OptimizerTest extends NetworkTest {

  private static final int SIZE = 37;

  @ParameterizedTest
  @ValueSource(floats = {0f, 0.1f})
  void adamIsItsFormula(float decay) {
    Scope root = Scope.root();
    Parameter parameter = root.parameter("w", Shape.of(SIZE), Initialization.fanIn(4));
    try (ParameterStore store = ParameterStore.allocate(backend, root, 3)) {
      AdamConfig config = AdamConfig.defaults().withLearningRate(0.01).withWeightDecay(decay);
      Adam adam = new Adam(config, store);
      GradientClip clip = new GradientClip(store, 2f);
      double[] w = values(parameter.value());
      double[] m = new double[SIZE];
      double[] v = new double[SIZE];
      for (int t = 1; t <= 5; t++) {
        double[] g = random.doubles(SIZE, -1, 1).map(x -> (float) x).toArray();
        TensorValues.write(g, parameter.gradient());
        double rate = 0.01 / t;
        adam.prepare(t, rate);
        clip.measure();
        adam.update(clip.scale());
        double norm = 0;
        for (double x : g) {
          norm += x * x;
        }
        norm = Math.sqrt(norm);
        assertEquals(norm, clip.norm(), 1e-5);
        double scale = Math.min(1, 2 / (norm + 1e-6));
        for (int i = 0; i < SIZE; i++) {
          double x = g[i] * scale;
          m[i] = 0.9 * m[i] + 0.1 * x;
          v[i] = 0.999 * v[i] + 0.001 * x * x;
          w[i] -= rate * decay * w[i];
          w[i] -=
              rate
                  * m[i]
                  / (1 - Math.pow(0.9, t))
                  / (Math.sqrt(v[i] / (1 - Math.pow(0.999, t))) + 1e-8);
        }
        assertArrayEquals(w, values(parameter.value()), 1e-6, "step " + t);
      }
      assertEquals(
          java.util.List.of("adam.exp_avg", "adam.exp_avg_sq"),
          java.util.List.copyOf(adam.state().keySet()));
    }
  }

  @Test
  void clippingLeavesSmallGradientsAlone() {
    Scope root = Scope.root();
    Parameter parameter = root.parameter("w", Shape.of(2), Initialization.constant(0));
    try (ParameterStore store = ParameterStore.allocate(backend, root, 3)) {
      GradientClip clip = new GradientClip(store, 10f);
      TensorValues.write(new double[] {3, 4}, parameter.gradient());
      clip.measure();
      assertEquals(5, clip.norm(), 1e-6);
      assertArrayEquals(new double[] {1}, values(clip.scale()));
      GradientClip measure = new GradientClip(store, Float.POSITIVE_INFINITY);
      measure.measure();
      assertArrayEquals(new double[] {1}, values(measure.scale()));
    }
  }

  @Test
  void emaFollowsItsFormula() {
    Scope root = Scope.root();
    Parameter parameter = root.parameter("w", Shape.of(3), Initialization.constant(1));
    root.statistic("s", Shape.of(3), Initialization.constant(1));
    try (ParameterStore store = ParameterStore.allocate(backend, root, 3)) {
      Ema ema = new Ema(store, 0.5);
      double expected = 1;
      for (int step = 1; step <= 20; step++) {
        double[] numbers = {step, step, step};
        store.change(w -> TensorValues.write(numbers, store.part(parameter, w)));
        ema.prepare(step);
        ema.update();
        double decay = Math.min(0.5, (1.0 + step) / (10.0 + step));
        expected = decay * expected + (1 - decay) * step;
        double[] average = values(store.part(parameter, ema.average()));
        assertArrayEquals(
            new double[] {expected, expected, expected}, average, 1e-5, "step " + step);
      }
      assertEquals(2.0 / 11, ema.decayAt(1), 1e-12);
      assertEquals(0.5, ema.decayAt(1000));
    }
  }

  @Test
  void learningRates() {
    assertEquals(2e-4, LearningRate.constant(2e-4).at(7));
    LearningRate warmup = LearningRate.linearWarmup(1, 4);
    assertEquals(0.25, warmup.at(1));
    assertEquals(1, warmup.at(4));
    assertEquals(1, warmup.at(400));
    LearningRate cosine = LearningRate.cosine(2, 10, 110);
    assertEquals(0.2, cosine.at(1), 1e-12);
    assertEquals(2, cosine.at(10), 1e-12);
    assertEquals(1, cosine.at(60), 1e-12);
    assertEquals(0, cosine.at(110), 1e-12);
    assertEquals(0, cosine.at(111), 1e-12);
    LearningRate tail = LearningRate.cosine(2, 1, 10, 110);
    assertEquals(0.2, tail.at(1), 1e-12);
    assertEquals(1.5, tail.at(60), 1e-12);
    assertEquals(1, tail.at(500), 1e-12);
    assertThrows(IllegalArgumentException.class, () -> LearningRate.cosine(1, 10, 10));
  }

  @Test
  void settingsAreChecked() {
    AdamConfig config = AdamConfig.defaults();
    assertThrows(IllegalArgumentException.class, () -> config.withLearningRate(-1));
    assertThrows(IllegalArgumentException.class, () -> config.withLearningRate(Double.NaN));
    assertThrows(IllegalArgumentException.class, () -> config.withBetas(0.9f, 1f));
    assertEquals(new AdamConfig(0.1, 0.9f, 0.999f, 1e-8f, 0f), config.withLearningRate(0.1));
  }
}
