package dev.gatun.ddpm.unet;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.ddpm.GoldenFile;
import dev.gatun.ddpm.TestBackends;
import dev.gatun.ddpm.diffusion.ModelConfig;
import dev.gatun.nn.autograd.Parameter;
import dev.gatun.nn.autograd.Tape;
import dev.gatun.nn.autograd.Variable;
import dev.gatun.nn.op.Loss;
import dev.gatun.runtime.memory.DeviceArena;
import dev.gatun.runtime.op.AdamSettings;
import dev.gatun.runtime.op.Backend;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class MnistUnetGoldenTest {
  private static final GoldenFile GOLDEN = new GoldenFile("mnist_unet.safetensors");
  private static final String[] NAMES = GOLDEN.metadata("parameters").split(",");
  private static final int BATCH = 4;
  private static final int FIRST_ADAM_BATCH = 97;
  private static final int ADAM_IMAGES = 2;

  private final Backend backend = TestBackends.open();
  private final MnistUnet network = new MnistUnet(backend, ModelConfig.defaults(), 1);
  private final DeviceArena arena = new DeviceArena(backend.memory(), "golden");
  private final Tensor x = Tensor.allocate(arena, DType.FLOAT32, Shape.of(BATCH, 28, 28, 1));
  private final Tensor target = Tensor.allocate(arena, DType.FLOAT32, Shape.of(BATCH, 28, 28, 1));
  private final Tensor t = Tensor.allocate(arena, DType.INT32, Shape.of(BATCH));

  @BeforeEach
  void loadWeights() {
    GoldenNumbers.load(backend, network.parameters(), NAMES);
  }

  @AfterEach
  void close() {
    arena.close();
    network.close();
    assertEquals(0, DeviceArena.openArenas(), "open arenas");
    backend.close();
  }

  @Test
  void namesAndSizesArePytorchs() {
    List<String> names = new ArrayList<>();
    for (Parameter parameter : network.parameters().parameters()) {
      names.add(parameter.name());
      int[] shape = GOLDEN.shape("grad." + parameter.name());
      long[] extents = parameter.pytorchShape();
      assertEquals(shape.length, extents.length, parameter.name());
      for (int i = 0; i < shape.length; i++) {
        assertEquals(shape[i], extents[i], parameter.name());
      }
    }
    assertArrayEquals(NAMES, names.toArray());
    assertEquals(864_609, network.parameters().trainedElements());
  }

  @Test
  void outputAndGradientsAgreeWithPytorch() {
    GoldenNumbers.upload(backend, GOLDEN.values("x"), x);
    GoldenNumbers.upload(backend, GOLDEN.values("target"), target);
    double[] times = GOLDEN.values("t");
    for (int i = 0; i < BATCH; i++) {
      times[i] = Math.rint(1000 * times[i]) - 1;
    }
    GoldenNumbers.upload(backend, times, t);
    try (Tape tape = new Tape(backend, arena, DType.FLOAT32, true)) {
      Variable input = tape.input(x);
      Variable output = network.predict(tape, input, t).keep();
      Variable loss = Loss.meanSquared(output, target).keep();
      tape.backward(loss);
      check("output", output.value(), 1e-5);
      check("loss", loss.value(), 1e-5);
      check("grad.x", input.gradient(), 1e-4);
    }
    for (String name : NAMES) {
      Parameter parameter = network.parameters().parameter(name);
      double[] expected =
          GoldenNumbers.fromPytorch(GOLDEN.values("grad." + name), parameter.pytorchShape());
      double[] actual = GoldenNumbers.download(backend, parameter.gradient());
      double distance = GoldenNumbers.distance(expected, actual);
      assertTrue(distance < 1e-4, "gradient of " + name + ": relative distance " + distance);
    }
  }

  @Test
  void evaluationGivesTheSameOutput() {
    GoldenNumbers.upload(backend, GOLDEN.values("x"), x);
    GoldenNumbers.upload(backend, new double[] {0, 249, 499, 999}, t);
    try (Tape tape = new Tape(backend, arena, DType.FLOAT32, false)) {
      check("output", network.predict(tape, tape.constant(x), t).value(), 1e-5);
    }
  }

  @Test
  void tenAdamStepsAgreeWithPytorch() {
    double[] expected = GOLDEN.values("adam.losses64");
    AdamSettings adam = new AdamSettings(0.9f, 0.999f, 1e-8f, 0);
    var store = network.parameters();
    Tensor first = store.allocateRange();
    Tensor second = store.allocateRange();
    Tensor rate = Tensor.allocate(arena, DType.FLOAT32, Shape.of(1));
    Tensor step = Tensor.allocate(arena, DType.INT32, Shape.of(1));
    GoldenNumbers.upload(backend, new double[] {1e-3}, rate);
    Tensor someX = x.samples(0, ADAM_IMAGES);
    Tensor someTarget = target.samples(0, ADAM_IMAGES);
    Tensor someT = t.samples(0, ADAM_IMAGES);
    int pixels = ADAM_IMAGES * 28 * 28;
    for (int i = 0; i < expected.length; i++) {
      int b = FIRST_ADAM_BATCH + i;
      double[] values = new double[pixels];
      double[] targets = new double[pixels];
      for (int p = 0; p < pixels; p++) {
        targets[p] = Math.sqrt(3) * GoldenNumbers.symmetric(1001 + 4 * b, p);
        values[p] = 0.6 * GoldenNumbers.symmetric(1000 + 4 * b, p) + 0.8 * targets[p];
      }
      double[] times = new double[ADAM_IMAGES];
      for (int n = 0; n < ADAM_IMAGES; n++) {
        times[n] = Math.floor(1000 * GoldenNumbers.uniform(1002 + 4 * b, n));
      }
      GoldenNumbers.upload(backend, values, someX);
      GoldenNumbers.upload(backend, targets, someTarget);
      GoldenNumbers.upload(backend, times, someT);
      GoldenNumbers.upload(backend, new double[] {i + 1}, step);
      try (Tape tape = new Tape(backend, arena, DType.FLOAT32, true)) {
        Variable predicted = network.predict(tape, tape.constant(someX), someT);
        Variable loss = Loss.meanSquared(predicted, someTarget).keep();
        tape.backward(loss);
        double actual = GoldenNumbers.download(backend, loss.value())[0];
        assertEquals(expected[i], actual, 1e-4 * expected[i], "loss of step " + (i + 1));
      }
      backend
          .parameterUpdate()
          .adamW(adam, rate, step, store.one(), store.gradients(), store.values(), first, second);
    }
  }

  @Test
  void refusesImagesOfAnotherSize() {
    ModelConfig config = ModelConfig.defaults().withImage(32, 32, 3);
    var error =
        assertThrows(IllegalArgumentException.class, () -> new MnistUnet(backend, config, 1));
    assertTrue(error.getMessage().contains("32x32"), error.getMessage());
  }

  private void check(String name, Tensor actual, double tolerance) {
    double distance =
        GoldenNumbers.distance(GOLDEN.values(name), GoldenNumbers.download(backend, actual));
    assertTrue(distance < tolerance, name + ": relative distance " + distance);
  }
}
