package dev.gatun.ddpm.training;

import dev.gatun.ddpm.data.BatchOrder;
import dev.gatun.ddpm.data.ImageDataset;
import dev.gatun.ddpm.data.ImageShape;
import dev.gatun.ddpm.diffusion.Denoiser;
import dev.gatun.ddpm.diffusion.ForwardProcess;
import dev.gatun.ddpm.diffusion.RandomPurpose;
import dev.gatun.nn.autograd.ParameterStore;
import dev.gatun.nn.autograd.Randomness;
import dev.gatun.nn.autograd.Tape;
import dev.gatun.nn.autograd.Variable;
import dev.gatun.nn.checkpoint.Checkpoint;
import dev.gatun.nn.checkpoint.CheckpointException;
import dev.gatun.nn.checkpoint.TensorFile;
import dev.gatun.nn.op.Loss;
import dev.gatun.nn.optim.Adam;
import dev.gatun.nn.optim.Ema;
import dev.gatun.nn.optim.GradientClip;
import dev.gatun.runtime.memory.DeviceArena;
import dev.gatun.runtime.op.Backend;
import dev.gatun.runtime.op.Program;
import dev.gatun.runtime.op.RandomKey;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Trains a network to undo noise: x_0 from the data, t ~ U{0, ..., T-1}, eps ~ N(0, I),
 * loss(network(x_t, t), target), AdamW, moving average. Ho et al. 2020, algorithm 1.
 *
 * <p>Every random number of step n is a function of (seed, purpose, n). The same configuration,
 * data, device, libraries and number of threads give the same weights, byte for byte, and so do k
 * steps, {@link #save}, {@link #resume} and the rest.
 *
 * <p>The network stays its owner's; close this before it. One thread at a time.
 */
public final class Trainer implements AutoCloseable {
  /** Where {@link #save} puts what resuming needs, in the directory of the run. */
  public static final Path CHECKPOINT = Path.of("checkpoint", "training.safetensors");

  private static final String CONFIG_ENTRY = "gatun.training";
  private static final String STEP_ENTRY = "gatun.step";
  private static final String DATA_ENTRY = "gatun.data";

  /** A larger data set does not live on the device, but comes there batch by batch. */
  private static final long RESIDENT_BYTES = 256L << 20;

  private static final int PLAIN_STEPS = 2; // until the step arena has found its size

  private final Backend backend;
  private final Denoiser denoiser;
  private final ParameterStore parameters;
  private TrainingConfig config;
  private final String dataSummary;
  private final DeviceImages images;
  private final GradientClip clip;
  private final Adam adam;
  private final Ema ema;

  private final Arena host = Arena.ofConfined();
  private final MemorySegment hostStep;
  private final MemorySegment hostOutcome;
  private final DeviceArena arena;
  private final DeviceArena stepArena;
  private final ForwardProcess forward;
  private final Tensor xt;
  private final Tensor target;
  private final Tensor t;
  private final Tensor stepNumber;
  private final Tensor outcome; // the loss, and the sum of the gradient's squares
  private final Tensor lossValue;
  private final Tensor sumOfSquares;

  private int stepsDone;
  private int stepsRun;
  private long batchInPlace = -1; // the step whose images are on the device
  private @Nullable Program gradientProgram;
  private @Nullable Program updateProgram;

  /**
   * A run at its beginning, with the weights that the network has now.
   *
   * @throws IllegalArgumentException where the data's images, the network's and the configuration's
   *     differ, or the network's and the configuration's steps, or the batch is larger than the
   *     data
   * @throws IllegalStateException for a run in bf16 where the network was trained in fp32 already:
   *     see {@link ParameterStore#keepRounded}
   */
  public Trainer(Backend backend, Denoiser denoiser, ImageDataset data, TrainingConfig config) {
    this(backend, denoiser, data, config, RESIDENT_BYTES);
  }

  /** As above; a data set of more than {@code residentBytes} comes to the device batch by batch. */
  Trainer(
      Backend backend,
      Denoiser denoiser,
      ImageDataset data,
      TrainingConfig config,
      long residentBytes) {
    this.backend = backend;
    this.denoiser = denoiser;
    this.config = config;
    this.parameters = denoiser.parameters();
    boolean tensorFloats = config.precision() == Precision.TF32;
    if (tensorFloats && !backend.hasTensorFloats()) {
      throw new IllegalArgumentException(
          "training: precision tf32 needs a GPU from Ampere on, got "
              + backend.describe()
              + "; choose fp32 or bf16");
    }
    backend.allowTensorFloats(tensorFloats);
    requireShape(data.shape(), denoiser.imageShape(), config.model().imageShape());
    requireSteps(denoiser.diffusionSteps(), config.model().diffusionSteps());
    this.dataSummary = data.size() + " images of " + data.shape();
    BatchOrder order =
        new BatchOrder(data, config.batchSize(), config.horizontalFlip(), config.seed());
    if (config.precision().activations() == DType.BFLOAT16) {
      parameters.keepRounded();
    }
    OptimizerConfig optimizer = config.optimizer();
    double clipNorm = optimizer.clipNorm();
    clip = new GradientClip(parameters, clipNorm > 0 ? (float) clipNorm : Float.POSITIVE_INFINITY);
    adam = new Adam(optimizer.adam(), parameters);
    ema = new Ema(parameters, optimizer.emaDecay());
    arena = new DeviceArena(backend.memory(), "training state");
    stepArena = new DeviceArena(backend.memory(), "training step");
    int batch = config.batchSize();
    forward =
        new ForwardProcess(
            backend, arena, config.model().schedule(), config.model().prediction(), batch);
    ImageShape image = data.shape();
    Shape batchShape = Shape.of(batch, image.height(), image.width(), image.channels());
    xt = Tensor.allocate(arena, DType.FLOAT32, batchShape);
    target = Tensor.allocate(arena, DType.FLOAT32, batchShape);
    t = Tensor.allocate(arena, DType.INT32, Shape.of(batch));
    stepNumber = Tensor.allocate(arena, DType.INT32, Shape.of(1));
    outcome = Tensor.allocate(arena, DType.FLOAT32, Shape.of(2));
    lossValue = outcome.range(0, Shape.of(1));
    sumOfSquares = outcome.range(1, Shape.of(1));
    images = new DeviceImages(backend, data, order, residentBytes);
    hostStep = host.allocate(ValueLayout.JAVA_INT);
    hostOutcome = host.allocate(ValueLayout.JAVA_FLOAT, 2);
  }

  private static void requireShape(ImageShape data, Shape network, Shape config) {
    Shape images = Shape.of(data.height(), data.width(), data.channels());
    if (!images.equals(network) || !images.equals(config)) {
      throw new IllegalArgumentException(
          "training: the data has images of "
              + images
              + ", the network takes "
              + network
              + ", the configuration says "
              + config
              + "; resize the data or choose another network");
    }
  }

  private static void requireSteps(int network, int config) {
    if (network != config) {
      throw new IllegalArgumentException(
          "training: the network knows a diffusion of "
              + network
              + " steps, the configuration says "
              + config
              + "; make the network with the configuration's model");
    }
  }

  /** What the run was told to do, as {@link #changeSteps} left it. */
  public TrainingConfig config() {
    return config;
  }

  /**
   * Makes the run {@code steps} steps long: once the speed is known, to fill a given time. Only the
   * decay of the learning rate depends on it, so that a change before the warm-up's end gives the
   * run that had this length from the start.
   */
  public void changeSteps(int steps) {
    config = config.withSteps(steps);
  }

  /** How many steps the run has behind it, those before it was resumed included. */
  public int stepsDone() {
    return stepsDone;
  }

  /**
   * Does the next step.
   *
   * @throws TrainingDivergedException when the loss or the gradient's norm is not finite: weights
   *     and optimizer are as before
   */
  public StepReport step() {
    TrainingStepEvent event = TrainingStepEvent.isOn() ? new TrainingStepEvent() : null;
    if (event != null) {
      event.begin();
    }
    backend.beginRange("training step");
    StepReport report;
    try {
      report = nextStep();
    } finally {
      backend.endRange();
    }
    if (event != null) {
      event.step = report.step();
      event.images = config.batchSize();
      event.loss = report.loss();
      event.gradientNorm = report.gradientNorm();
      event.learningRate = report.learningRate();
      event.commit();
    }
    return report;
  }

  private StepReport nextStep() {
    long start = System.nanoTime();
    int number = stepsDone + 1;
    double rate = config.learningRate(number);
    placeBatch(stepsDone);
    hostStep.set(ValueLayout.JAVA_INT, 0, number);
    backend.upload(hostStep, stepNumber);
    boolean plain = stepsRun < PLAIN_STEPS;
    if (plain) {
      computeGradients();
    } else {
      if (gradientProgram == null) {
        gradientProgram = backend.capture(this::computeGradients);
      }
      gradientProgram.replay();
    }
    // While the device computes: what is read after the gradients.
    adam.prepare(number, rate);
    ema.prepare(number);
    placeBatch(number);
    backend.download(outcome, hostOutcome);
    double loss = hostOutcome.getAtIndex(ValueLayout.JAVA_FLOAT, 0);
    double norm = Math.sqrt(hostOutcome.getAtIndex(ValueLayout.JAVA_FLOAT, 1));
    if (!Double.isFinite(loss) || !Double.isFinite(norm)) {
      throw new TrainingDivergedException(number, loss, norm);
    }
    if (plain) {
      updateParameters();
    } else {
      if (updateProgram == null) {
        updateProgram = backend.capture(this::updateParameters);
      }
      updateProgram.replay();
    }
    stepsDone = number;
    stepsRun++;
    double seconds = (System.nanoTime() - start) * 1e-9;
    return new StepReport(number, loss, norm, rate, seconds, config.batchSize() / seconds);
  }

  /**
   * Brings the batch that follows {@code steps} steps to the device, behind the work that it has.
   */
  private void placeBatch(long steps) {
    if (batchInPlace != steps) {
      images.load(steps);
      batchInPlace = steps;
    }
  }

  /** What is captured, with {@link #updateParameters}: the same addresses in each step. */
  private void computeGradients() {
    stepArena.reset();
    int diffusionSteps = config.model().diffusionSteps();
    backend
        .randomFill()
        .integers(key(RandomPurpose.TIMESTEPS), stepNumber, 0, 0, diffusionSteps, t);
    forward.noisyImages(
        key(RandomPurpose.TRAINING_NOISE),
        stepNumber,
        images.images(),
        images.picks(),
        t,
        xt,
        target);
    Randomness dropout = new Randomness(config.seed(), stepNumber);
    DType compute = config.precision().activations();
    try (Tape tape = new Tape(backend, stepArena, compute, true, dropout)) {
      Variable predicted = denoiser.predict(tape, tape.constant(xt), t);
      Variable loss = Loss.loss(config.loss(), predicted, target).keep();
      tape.backward(loss);
      backend.elementwise().copy(loss.value(), lossValue);
    }
    clip.measure();
    backend.elementwise().copy(clip.sumOfSquares(), sumOfSquares);
  }

  private void updateParameters() {
    adam.update(clip.scale(), ema);
  }

  private RandomKey key(int purpose) {
    return new RandomKey(config.seed(), purpose);
  }

  /**
   * Makes the network compute with the averaged weights until the result is closed, to draw samples
   * between two steps.
   */
  public ParameterStore.Substitution averagedWeights() {
    return parameters.substitute(ema.average());
  }

  /**
   * Writes the averaged weights to {@code file}, in the place of one that may be there; see {@link
   * ModelFile}.
   */
  public void writeModel(Path file) throws IOException {
    ModelFile.write(file, config.model(), parameters, ema.average(), stepsDone);
  }

  /**
   * Saves weights, moments, averages, configuration and step to {@link #CHECKPOINT} in {@code
   * directory}: one file, written beside the last, flushed and renamed over it. When that fails the
   * last one stays as it was.
   */
  public void save(Path directory) throws IOException {
    Path file = directory.resolve(CHECKPOINT);
    Path folder = file.getParent();
    if (folder != null) {
      Files.createDirectories(folder);
    }
    Map<String, String> metadata =
        Map.of(
            CONFIG_ENTRY, ConfigJson.write(config),
            STEP_ENTRY, Integer.toString(stepsDone),
            DATA_ENTRY, dataSummary);
    Checkpoint.save(file, parameters, state(), metadata);
  }

  /**
   * Goes on where {@link #save} left off. The configuration must be the saved one but for how long
   * the run is and how often it saves and samples; of the data the number and shape of the images
   * are compared.
   *
   * @throws CheckpointException when the checkpoint is missing or malformed, or of another network,
   *     configuration or data, with a list of the differences; nothing is changed then
   */
  public void resume(Path directory) throws IOException {
    Path file = directory.resolve(CHECKPOINT);
    int step;
    try (TensorFile source = TensorFile.open(file)) {
      step = check(file, source.metadata());
    }
    Checkpoint.load(file, parameters, state());
    stepsDone = step;
  }

  private int check(Path file, Map<String, String> metadata) throws CheckpointException {
    String json = metadata.get(CONFIG_ENTRY);
    String step = metadata.get(STEP_ENTRY);
    if (json == null || step == null) {
      throw new CheckpointException(file + ": is not a checkpoint of a training run");
    }
    List<String> differences = new ArrayList<>();
    int number;
    try {
      differences.addAll(
          ConfigJson.differences(ConfigJson.readTraining(json, file.toString()), config));
      number = Integer.parseUnsignedInt(step);
    } catch (IllegalArgumentException e) {
      CheckpointException failure = new CheckpointException(file + ": " + e.getMessage());
      failure.initCause(e);
      throw failure;
    }
    String saved = metadata.get(DATA_ENTRY);
    if (!dataSummary.equals(saved)) {
      differences.add("data: " + saved + ", not " + dataSummary);
    }
    if (!differences.isEmpty()) {
      throw new CheckpointException(
          file
              + ": a checkpoint of another run ("
              + String.join("; ", differences)
              + "): resume it with its own settings, or choose another directory");
    }
    return number;
  }

  /** The configuration of the run in {@code directory}, as its checkpoint has it. */
  public static TrainingConfig readConfig(Path directory) throws IOException {
    Path file = directory.resolve(CHECKPOINT);
    try (TensorFile source = TensorFile.open(file)) {
      String json = source.metadata().get(CONFIG_ENTRY);
      if (json == null) {
        throw new CheckpointException(file + ": is not a checkpoint of a training run");
      }
      return ConfigJson.readTraining(json, file.toString());
    }
  }

  private Map<String, Tensor> state() {
    Map<String, Tensor> state = new LinkedHashMap<>(adam.state());
    state.putAll(ema.state());
    return state;
  }

  /** Bytes of device memory that the run holds beside parameters, moments and averages. */
  public long reservedBytes() {
    return arena.reservedBytes() + stepArena.reservedBytes();
  }

  /** Frees what the run holds; the moments and averages go with the network's parameters. */
  @Override
  public void close() {
    if (gradientProgram != null) {
      gradientProgram.close();
      gradientProgram = null;
    }
    if (updateProgram != null) {
      updateProgram.close();
      updateProgram = null;
    }
    backend.synchronize();
    images.close();
    stepArena.close();
    arena.close();
    host.close();
  }
}
