package dev.gatun.ddpm.unet;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.ddpm.GoldenFile;
import dev.gatun.ddpm.TestBackends;
import dev.gatun.ddpm.diffusion.Denoiser;
import dev.gatun.ddpm.diffusion.ForwardProcess;
import dev.gatun.ddpm.diffusion.ModelConfig;
import dev.gatun.ddpm.diffusion.NoiseSchedule;
import dev.gatun.ddpm.diffusion.Prediction;
import dev.gatun.ddpm.sampler.AncestralSampler;
import dev.gatun.ddpm.sampler.SamplerStep;
import dev.gatun.ddpm.training.ConfigJson;
import dev.gatun.nn.autograd.Parameter;
import dev.gatun.nn.autograd.Tape;
import dev.gatun.nn.autograd.Variable;
import dev.gatun.nn.op.Loss;
import dev.gatun.nn.optim.Adam;
import dev.gatun.nn.optim.AdamConfig;
import dev.gatun.runtime.memory.DeviceArena;
import dev.gatun.runtime.op.Backend;
import dev.gatun.runtime.op.LossFunction;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * The network of a golden file of {@code unets.py}, with the formula's weights, beside the file.
 */
final class GoldenRun implements AutoCloseable {
  private static final double OUTPUT = 1e-5;
  private static final double GRADIENT = 1e-4;

  private final GoldenFile golden;
  private final Backend backend = TestBackends.open();
  private final ModelConfig config;
  private final LossFunction lossFunction;
  private final String[] names;
  private final Denoiser network;
  private final DeviceArena arena;
  private final long[] images;
  private final Tensor x;
  private final Tensor noise;
  private final Tensor t;

  GoldenRun(GoldenFile golden) {
    this.golden = golden;
    config = ConfigJson.readModel(golden.metadata("model"), "golden file");
    lossFunction = LossFunction.valueOf(golden.metadata("loss").toUpperCase(Locale.ROOT));
    names = golden.metadata("parameters").split(",");
    network = Networks.create(backend, config, 1);
    GoldenNumbers.load(backend, network.parameters(), names);
    arena = new DeviceArena(backend.memory(), "golden");
    images = Arrays.stream(golden.shape("x")).asLongStream().toArray();
    int batch = (int) images[0];
    Shape shape = Shape.of(batch, config.height(), config.width(), config.channels());
    x = Tensor.allocate(arena, DType.FLOAT32, shape);
    noise = Tensor.allocate(arena, DType.FLOAT32, shape);
    t = Tensor.allocate(arena, DType.INT32, Shape.of(batch));
  }

  /** Names, order and shapes of PyTorch's state dict. */
  void checkNames() {
    List<Parameter> parameters = network.parameters().parameters();
    assertArrayEquals(names, parameters.stream().map(Parameter::name).toArray());
    for (Parameter parameter : parameters) {
      if (parameter.isTrainable()) {
        int[] shape = golden.shape("grad." + parameter.name());
        long[] expected = Arrays.stream(shape).asLongStream().toArray();
        assertArrayEquals(expected, parameter.pytorchShape(), parameter.name());
      }
    }
  }

  /** Evaluation, then a pass of training with all gradients and the running statistics. */
  void checkOutputAndGradients() {
    upload("x", x);
    upload("noise", noise);
    GoldenNumbers.upload(backend, golden.values("t"), t);
    try (Tape tape = new Tape(backend, arena, DType.FLOAT32, false)) {
      check("eval.output", network.predict(tape, tape.constant(x), t).value(), OUTPUT);
    }
    try (Tape tape = new Tape(backend, arena, DType.FLOAT32, true)) {
      Variable input = tape.input(x);
      Variable output = network.predict(tape, input, t).keep();
      Variable loss = Loss.loss(lossFunction, output, noise).keep();
      tape.backward(loss);
      check("output", output.value(), OUTPUT);
      check("loss", loss.value(), OUTPUT);
      check("grad.x", input.gradient(), GRADIENT);
    }
    for (Parameter parameter : network.parameters().parameters()) {
      if (parameter.isTrainable()) {
        check("grad." + parameter.name(), parameter.gradient(), GRADIENT);
      } else if (parameter.name().contains(".running_")) {
        check("stat." + parameter.name(), parameter.value(), OUTPUT);
      } else if (parameter.role() == Parameter.Role.COUNTER) {
        assertEquals(1, GoldenNumbers.download(backend, parameter.value())[0], parameter.name());
      }
    }
  }

  /**
   * Ten steps of Adam on recorded images, noise and t; the losses agree to {@code tolerance},
   * relative.
   */
  void checkTraining(double tolerance) {
    double[] expected = golden.values("train.losses");
    Adam adam = new Adam(AdamConfig.defaults().withLearningRate(1e-3), network.parameters());
    ForwardProcess forward =
        new ForwardProcess(
            backend, arena, config.schedule(), Prediction.EPSILON, x.shape().batch());
    Tensor x0 = Tensor.allocate(arena, DType.FLOAT32, x.shape());
    for (int i = 0; i < expected.length; i++) {
      uploadPart("train.x0", i, x0);
      uploadPart("train.noise", i, noise);
      GoldenNumbers.upload(backend, part(golden.values("train.t"), i, (int) images[0]), t);
      forward.noisy(x0, noise, t, x);
      try (Tape tape = new Tape(backend, arena, DType.FLOAT32, true)) {
        Variable predicted = network.predict(tape, tape.constant(x), t);
        Variable loss = Loss.loss(lossFunction, predicted, noise).keep();
        tape.backward(loss);
        double actual = GoldenNumbers.download(backend, loss.value())[0];
        double difference = Math.abs(actual / expected[i] - 1);
        assertTrue(difference < tolerance, "loss of step " + (i + 1) + ": relative " + difference);
      }
      adam.prepare(i + 1, 1e-3);
      adam.update(network.parameters().one());
    }
  }

  /** The last five steps of the ancestral sampler on recorded noise, clamped after each. */
  void checkSampling() {
    NoiseSchedule schedule = config.schedule();
    List<SamplerStep> plan = AncestralSampler.of(AncestralSampler.ALL).plan(schedule);
    int count = golden.shape("sample.states")[0];
    double[] state = GoldenNumbers.fromPytorch(golden.values("sample.first"), images);
    for (int i = 0; i < count; i++) {
      SamplerStep step = plan.get(plan.size() - count + i);
      GoldenNumbers.upload(backend, state, x);
      double[] times = new double[(int) images[0]];
      Arrays.fill(times, step.t());
      GoldenNumbers.upload(backend, times, t);
      double[] predicted;
      try (Tape tape = new Tape(backend, arena, DType.FLOAT32, false)) {
        predicted =
            GoldenNumbers.download(backend, network.predict(tape, tape.constant(x), t).value());
      }
      var toImage = Prediction.EPSILON.image(schedule.signal(step.t()), schedule.noise(step.t()));
      double[] fresh = imagePart("sample.noise", i);
      for (int e = 0; e < state.length; e++) {
        double image = toImage.first() * state[e] + toImage.second() * predicted[e];
        double next =
            step.stateWeight() * state[e]
                + step.imageWeight() * image
                + step.noiseWeight() * fresh[e];
        state[e] = Math.clamp(next, -1, 1);
      }
      double distance = GoldenNumbers.distance(imagePart("sample.states", i), state);
      assertTrue(distance < OUTPUT, "state " + i + ": relative distance " + distance);
    }
  }

  private void upload(String name, Tensor tensor) {
    GoldenNumbers.upload(backend, GoldenNumbers.fromPytorch(golden.values(name), images), tensor);
  }

  private void uploadPart(String name, int index, Tensor tensor) {
    GoldenNumbers.upload(backend, imagePart(name, index), tensor);
  }

  /** Batch {@code index} of several, in the order of memory. */
  private double[] imagePart(String name, int index) {
    int size = (int) x.elements();
    return GoldenNumbers.fromPytorch(part(golden.values(name), index, size), images);
  }

  private static double[] part(double[] values, int index, int size) {
    return Arrays.copyOfRange(values, index * size, (index + 1) * size);
  }

  private void check(String name, Tensor actual, double tolerance) {
    long[] shape = Arrays.stream(golden.shape(name)).asLongStream().toArray();
    double[] expected = GoldenNumbers.fromPytorch(golden.values(name), shape);
    double[] values = GoldenNumbers.download(backend, actual);
    double distance =
        name.endsWith(".to_k.bias")
            ? largest(values) / largest(golden.values(name.replace("bias", "weight")))
            : GoldenNumbers.distance(expected, values);
    assertTrue(distance < tolerance, name + ": relative distance " + distance);
  }

  /** Of a bias that softmax does not see, whose gradient is zero but for rounding. */
  private static double largest(double[] values) {
    return Arrays.stream(values).map(Math::abs).max().orElseThrow();
  }

  @Override
  public void close() {
    arena.close();
    network.close();
    backend.close();
  }
}
