package dev.gatun.benchmarks;

import dev.gatun.ddpm.diffusion.Denoiser;
import dev.gatun.ddpm.diffusion.ForwardProcess;
import dev.gatun.ddpm.diffusion.ModelConfig;
import dev.gatun.ddpm.diffusion.RandomPurpose;
import dev.gatun.ddpm.sampler.DdimSampler;
import dev.gatun.ddpm.sampler.SamplingLoop;
import dev.gatun.ddpm.unet.Networks;
import dev.gatun.nn.autograd.Parameter;
import dev.gatun.nn.autograd.ParameterStore;
import dev.gatun.nn.autograd.Tape;
import dev.gatun.nn.autograd.Variable;
import dev.gatun.nn.op.Loss;
import dev.gatun.nn.optim.Adam;
import dev.gatun.nn.optim.AdamConfig;
import dev.gatun.nn.optim.Ema;
import dev.gatun.runtime.memory.DeviceArena;
import dev.gatun.runtime.op.Backend;
import dev.gatun.runtime.op.Program;
import dev.gatun.runtime.op.RandomKey;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A network with the formula's weights, AdamW and one batch of images: the training step of
 * PROTOCOL.md. What {@code dev.gatun.ddpm.training.Trainer} does in a step, but for the loading of
 * images and gradient clipping, which PyTorch's half does not do either.
 */
final class TrainingStep implements AutoCloseable {
  private static final double EMA_DECAY = 0.999;
  private static final float WEIGHT_DECAY = 0.01f;
  private static final int LARGEST_GROUP = 64; // of samples that are drawn together
  private static final int PLAIN_STEPS = 2; // until the step arena has found its size

  private final Backend backend;
  private final DType compute;
  private final ModelConfig config;
  private final Denoiser network;
  private final ParameterStore parameters;
  private final Adam adam;
  private final Ema ema;
  private final AdamConfig settings = AdamConfig.defaults().withWeightDecay(WEIGHT_DECAY);
  private final DeviceArena arena;
  private final DeviceArena stepArena;
  private final ForwardProcess forward;
  private final Tensor x;
  private final Tensor target;
  private final Tensor steps;
  private final Tensor images;
  private final Tensor noise;
  private final Tensor xt;
  private final Tensor t;
  private final Tensor output;
  private final Tensor lossValue;
  private final Tensor stepNumber;
  private final Arena host = Arena.ofConfined();
  private final MemorySegment hostStep = host.allocate(ValueLayout.JAVA_INT);
  private final MemorySegment hostLoss = host.allocate(ValueLayout.JAVA_FLOAT);
  private int number;
  private @Nullable Program program;
  private @Nullable SamplingLoop sampling;

  TrainingStep(Backend backend, ModelConfig config, int batch, DType compute) {
    this.backend = backend;
    this.compute = compute;
    this.config = config;
    network = Networks.create(backend, config, 0);
    parameters = network.parameters();
    FormulaNumbers.load(backend, parameters);
    if (compute == DType.BFLOAT16) {
      parameters.keepRounded();
    }
    adam = new Adam(settings, parameters);
    ema = new Ema(parameters, EMA_DECAY);
    arena = new DeviceArena(backend.memory(), "benchmark state");
    stepArena = new DeviceArena(backend.memory(), "benchmark step");
    forward = new ForwardProcess(backend, arena, config.schedule(), config.prediction(), batch);
    Shape shape = Shape.of(batch, config.height(), config.width(), config.channels());
    x = Tensor.allocate(arena, DType.FLOAT32, shape);
    target = Tensor.allocate(arena, DType.FLOAT32, shape);
    images = Tensor.allocate(arena, DType.FLOAT32, shape);
    noise = Tensor.allocate(arena, DType.FLOAT32, shape);
    xt = Tensor.allocate(arena, DType.FLOAT32, shape);
    output = Tensor.allocate(arena, DType.FLOAT32, shape);
    steps = Tensor.allocate(arena, DType.INT32, Shape.of(batch));
    t = Tensor.allocate(arena, DType.INT32, Shape.of(batch));
    lossValue = Tensor.allocate(arena, DType.FLOAT32, Shape.of(1));
    stepNumber = Tensor.allocate(arena, DType.INT32, Shape.of(1));
    int pixels = config.height() * config.width();
    FormulaNumbers.uploadImages(backend, x, config.channels(), pixels, FormulaNumbers::x);
    FormulaNumbers.uploadImages(backend, target, config.channels(), pixels, FormulaNumbers::target);
    int diffusionSteps = config.diffusionSteps();
    FormulaNumbers.upload(backend, steps, n -> FormulaNumbers.step(n, diffusionSteps));
    backend.elementwise().clamp(x, -1, 1, images);
  }

  /** Loss and norms on the formula's batch; changes no weight. */
  Map<String, Object> check() {
    stepArena.reset();
    try (Tape tape = new Tape(backend, stepArena, compute, true)) {
      Variable predicted = network.predict(tape, tape.constant(x), steps).keep();
      Variable loss = Loss.meanSquared(predicted, target).keep();
      tape.backward(loss);
      backend.elementwise().copy(predicted.value(), output);
      backend.elementwise().copy(loss.value(), lossValue);
    }
    Map<String, Double> norms = new LinkedHashMap<>();
    double squares = 0;
    for (Parameter parameter : parameters.parameters()) {
      if (!parameter.isTrainable()) {
        continue;
      }
      double norm = FormulaNumbers.norm(backend, parameter.gradient());
      norms.put(parameter.name(), norm);
      squares += norm * norm;
    }
    Map<String, Object> check = new LinkedHashMap<>();
    check.put("loss", loss());
    check.put("output_norm", FormulaNumbers.norm(backend, output));
    check.put("gradient_norm", Math.sqrt(squares));
    check.put("gradient_norms", norms);
    return check;
  }

  /** One step; a GPU may be busy with it afterwards. */
  void run() {
    number++;
    hostStep.set(ValueLayout.JAVA_INT, 0, number);
    backend.upload(hostStep, stepNumber);
    adam.prepare(number, settings.learningRate());
    ema.prepare(number);
    if (number <= PLAIN_STEPS) {
      train();
      return;
    }
    if (program == null) {
      program = backend.capture(this::train);
    }
    program.replay();
  }

  /** The loss of the last step; waits for it. */
  double loss() {
    backend.download(lossValue, hostLoss);
    return hostLoss.get(ValueLayout.JAVA_FLOAT, 0);
  }

  /** Draws {@code count} images by {@code steps} steps of DDIM; waits for them. */
  float[] sample(int steps, int count) {
    int group = Math.min(count, LARGEST_GROUP);
    if (sampling != null && sampling.group() != group) {
      sampling.close();
      sampling = null;
    }
    if (sampling == null) {
      sampling = new SamplingLoop(backend, network, config, DdimSampler.of(steps), compute, group);
    }
    return sampling.draw(0, 0, count);
  }

  private void train() {
    stepArena.reset();
    var random = backend.randomFill();
    random.integers(
        new RandomKey(0, RandomPurpose.TIMESTEPS), stepNumber, 0, 0, config.diffusionSteps(), t);
    random.normal(new RandomKey(0, RandomPurpose.TRAINING_NOISE), stepNumber, 0, noise);
    forward.noisy(images, noise, t, xt);
    try (Tape tape = new Tape(backend, stepArena, compute, true)) {
      Variable predicted = network.predict(tape, tape.constant(xt), t);
      Variable loss = Loss.meanSquared(predicted, noise).keep();
      tape.backward(loss);
      backend.elementwise().copy(loss.value(), lossValue);
    }
    adam.update(parameters.one(), ema);
  }

  @Override
  public void close() {
    if (program != null) {
      program.close();
    }
    if (sampling != null) {
      sampling.close();
    }
    backend.synchronize();
    stepArena.close();
    arena.close();
    network.close();
    host.close();
  }
}
