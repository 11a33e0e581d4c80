package dev.gatun.ddpm.sampler;

import dev.gatun.ddpm.diffusion.Denoiser;
import dev.gatun.ddpm.diffusion.ModelConfig;
import dev.gatun.ddpm.diffusion.NoiseSchedule;
import dev.gatun.ddpm.diffusion.Prediction;
import dev.gatun.ddpm.diffusion.RandomPurpose;
import dev.gatun.nn.autograd.ParameterStore;
import dev.gatun.nn.autograd.Tape;
import dev.gatun.runtime.memory.DeviceArena;
import dev.gatun.runtime.op.Backend;
import dev.gatun.runtime.op.ConstantScope;
import dev.gatun.runtime.op.Program;
import dev.gatun.runtime.op.RandomKey;
import dev.gatun.runtime.op.SamplerWeights;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Objects;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Draws images: x_T ~ N(0, I), then the steps of a {@link Sampler}.
 *
 * <p>Sample i is a function of (weights, sampler, seed, i, group), byte for byte: its noise is
 * keyed by i, and the network always sees a group of samples, the same ones beside sample i,
 * however many are asked for. The same device, libraries and number of threads are taken for
 * granted. Who draws fewer samples than a group waits for all of it: a smaller group is then as
 * much quicker, a larger one draws many samples quicker on a device that it fills.
 *
 * <p>The network's weights are those that it has during {@link #draw}; their addresses must be
 * those of the first draw. A draw in BFLOAT16 rounds them once, at its beginning. Not thread safe.
 */
public final class SamplingLoop implements AutoCloseable {
  /** The group unless another is asked for: samples 0 to 15, 16 to 31, ... */
  public static final int MICRO_BATCH = 16;

  private static final int PLAIN_STEPS = 2; // until the step arena has found its size

  private final Backend backend;
  private final Denoiser denoiser;
  private final NoiseSchedule schedule;
  private final Prediction prediction;
  private final Clamp clamp;
  private final List<SamplerStep> plan;
  private final DType compute;
  private final int group;

  private final Arena host = Arena.ofConfined();
  private final MemorySegment hostTimesteps;
  private final MemorySegment hostStep;
  private final MemorySegment hostImages;
  private final DeviceArena arena;
  private final DeviceArena stepArena;
  private final Tensor state;
  private final Tensor timesteps;
  private final Tensor step;
  private final @Nullable Tensor rounded; // the weights, where they are multiplied as BFLOAT16
  private int stepsDone;
  private @Nullable Tensor predicted; // in the step arena, of the step that was done last
  private @Nullable Program program;

  /** Hears how far a draw is. */
  @FunctionalInterface
  public interface Progress {
    /** {@code done} of {@code total} evaluations of the network are done. */
    void report(int done, int total);
  }

  /** A loop that computes in fp32, for the schedule and the prediction of {@code model}. */
  public SamplingLoop(Backend backend, Denoiser denoiser, ModelConfig model, Sampler sampler) {
    this(backend, denoiser, model, sampler, DType.FLOAT32);
  }

  /** As above, with the network's activations of the dtype {@code compute}. */
  public SamplingLoop(
      Backend backend, Denoiser denoiser, ModelConfig model, Sampler sampler, DType compute) {
    this(backend, denoiser, model, sampler, compute, MICRO_BATCH);
  }

  /** As above, with {@code group} samples at a time, 1 or more. */
  public SamplingLoop(
      Backend backend,
      Denoiser denoiser,
      ModelConfig model,
      Sampler sampler,
      DType compute,
      int group) {
    this(backend, denoiser, model.schedule(), model.prediction(), sampler, compute, group);
  }

  /**
   * A loop for one network and sampler.
   *
   * @param compute the dtype of the network's activations; the state x is FLOAT32 in any case
   * @param group samples that the network sees at a time, 1 or more
   */
  public SamplingLoop(
      Backend backend,
      Denoiser denoiser,
      NoiseSchedule schedule,
      Prediction prediction,
      Sampler sampler,
      DType compute,
      int group) {
    if (group < 1) {
      throw new IllegalArgumentException("sampler: expected a group of 1 or more, got " + group);
    }
    this.group = group;
    this.backend = backend;
    this.denoiser = denoiser;
    this.schedule = schedule;
    this.prediction = prediction;
    this.clamp = sampler.clamp();
    if (schedule.steps() != denoiser.diffusionSteps()) {
      throw new IllegalArgumentException(
          "sampler: expected a schedule of "
              + denoiser.diffusionSteps()
              + " steps, as the network knows, got one of "
              + schedule.steps());
    }
    this.plan = sampler.plan(schedule);
    requireSteps(plan, schedule, sampler);
    this.compute = compute;
    Shape one = denoiser.imageShape();
    Shape batch = Shape.of(group, one.extent(0), one.extent(1), one.extent(2));
    arena = new DeviceArena(backend.memory(), "sampler state");
    stepArena = new DeviceArena(backend.memory(), "sampler step");
    state = Tensor.allocate(arena, DType.FLOAT32, batch);
    timesteps = Tensor.allocate(arena, DType.INT32, Shape.of(group));
    step = Tensor.allocate(arena, DType.INT32, Shape.of(1));
    rounded = compute == DType.BFLOAT16 ? denoiser.parameters().allocateRounded(arena) : null;
    hostTimesteps = host.allocate(ValueLayout.JAVA_INT, group);
    hostStep = host.allocate(ValueLayout.JAVA_INT, 1);
    hostImages = host.allocate(ValueLayout.JAVA_FLOAT, batch.elements());
  }

  private static void requireSteps(
      List<SamplerStep> plan, NoiseSchedule schedule, Sampler sampler) {
    for (SamplerStep step : plan) {
      if (step.t() < 0 || step.t() >= schedule.steps()) {
        throw new IllegalArgumentException(
            "sampler "
                + sampler.describe()
                + ": expected steps t of 0 to "
                + (schedule.steps() - 1)
                + ", the schedule's, got "
                + step.t());
      }
    }
  }

  /**
   * Samples {@code first} to {@code first + count} of {@code seed}: [count, H, W, C] in row-major
   * order, about -1 to 1.
   */
  public float[] draw(long seed, int first, int count) {
    return draw(seed, first, count, (done, total) -> {});
  }

  /** As {@link #draw(long, int, int)}, with reports on the way. */
  public float[] draw(long seed, int first, int count, Progress progress) {
    return path(seed, first, count, 1, progress)[0];
  }

  /**
   * As {@link #draw(long, int, int)}, with what the samples looked like on the way: path[k], of
   * {@code moments}, are the states after ceil((k + 1) n / moments) of the sampler's n steps; the
   * last are the images.
   *
   * @param moments 1 to n
   */
  public float[][] path(long seed, int first, int count, int moments, Progress progress) {
    if (first < 0 || count < 1 || first > Integer.MAX_VALUE - count - group) {
      throw new IllegalArgumentException(
          "samples: expected a first index of 0 or more and a count of 1 or more, got "
              + first
              + " and "
              + count);
    }
    if (moments < 1 || moments > plan.size()) {
      throw new IllegalArgumentException(
          "samples: expected 1 to " + plan.size() + " moments of the path, got " + moments);
    }
    try (ParameterStore.Substitution weights = roundedWeights();
        ConstantScope constant = denoiser.parameters().constant()) {
      return drawPath(seed, first, count, moments, progress);
    }
  }

  private ParameterStore.@Nullable Substitution roundedWeights() {
    return rounded == null ? null : denoiser.parameters().substituteRounded(rounded);
  }

  private float[][] drawPath(long seed, int first, int count, int moments, Progress progress) {
    int values = Math.toIntExact(denoiser.imageShape().elements());
    float[][] path = new float[moments][Math.multiplyExact(count, values)];
    int firstBlock = first / group;
    int lastBlock = (first + count - 1) / group;
    int total = Math.multiplyExact(lastBlock - firstBlock + 1, plan.size());
    for (int block = firstBlock; block <= lastBlock; block++) {
      int start = block * group;
      int done = (block - firstBlock) * plan.size();
      int from = Math.max(first, start);
      int to = Math.min(first + count, start + group);
      drawBlock(
          seed,
          start,
          i -> {
            int moment = momentAfter(i, moments);
            if (moment >= 0) {
              backend.download(state, hostImages);
              MemorySegment.copy(
                  hostImages,
                  ValueLayout.JAVA_FLOAT,
                  (long) (from - start) * values * Float.BYTES,
                  path[moment],
                  (from - first) * values,
                  (to - from) * values);
            }
            progress.report(done + i, total);
          });
    }
    return path;
  }

  /** Which of the moments is after step {@code done}, from 1; -1 for none. */
  private int momentAfter(int done, int moments) {
    int moment = (int) ((long) done * moments / plan.size()) - 1;
    return moment >= 0 && Math.ceilDiv((moment + 1L) * plan.size(), moments) == done ? moment : -1;
  }

  private void drawBlock(long seed, int firstSample, IntConsumer done) {
    hostStep.set(ValueLayout.JAVA_INT, 0, 0);
    backend.upload(hostStep, step);
    RandomKey start = new RandomKey(seed, RandomPurpose.FIRST_STATE);
    RandomKey fresh = new RandomKey(seed, RandomPurpose.SAMPLER_NOISE);
    backend.randomFill().normal(start, step, firstSample, state);
    for (int i = 0; i < plan.size(); i++) {
      SamplingStepEvent event = SamplingStepEvent.isOn() ? new SamplingStepEvent() : null;
      if (event != null) {
        event.begin();
      }
      SamplerStep current = plan.get(i);
      backend.beginRange("sampling step");
      try {
        advance(current, i, fresh, firstSample);
      } finally {
        backend.endRange();
      }
      if (event != null) {
        event.t = current.t();
        event.firstSample = firstSample;
        event.images = group;
        event.commit();
      }
      done.accept(i + 1);
    }
  }

  /** Step {@code i} of the plan. */
  private void advance(SamplerStep current, int i, RandomKey fresh, int firstSample) {
    for (int n = 0; n < group; n++) {
      hostTimesteps.setAtIndex(ValueLayout.JAVA_INT, n, current.t());
    }
    backend.upload(hostTimesteps, timesteps);
    if (current.noiseWeight() != 0) {
      hostStep.set(ValueLayout.JAVA_INT, 0, i);
      backend.upload(hostStep, step);
    }
    Tensor answer = predict();
    backend.diffusion().samplerStep(weights(current), fresh, step, firstSample, answer, state);
  }

  private SamplerWeights weights(SamplerStep current) {
    Prediction.Weights toImage =
        prediction.image(schedule.signal(current.t()), schedule.noise(current.t()));
    return new SamplerWeights(
        (float) toImage.first(),
        (float) toImage.second(),
        clamp == Clamp.IMAGE,
        (float) current.stateWeight(),
        (float) current.imageWeight(),
        (float) current.noiseWeight(),
        clamp == Clamp.STATE);
  }

  /** What the network says of the state. */
  private Tensor predict() {
    if (stepsDone < PLAIN_STEPS) {
      step();
      stepsDone++;
    } else {
      if (program == null) {
        program = backend.capture(this::step);
      }
      program.replay();
    }
    return Objects.requireNonNull(predicted);
  }

  /** What is captured: it reads and writes the same addresses in each step. */
  private void step() {
    stepArena.reset();
    try (Tape tape = new Tape(backend, stepArena, compute, false)) {
      predicted = denoiser.predict(tape, tape.constant(state), timesteps).value();
    }
  }

  /** Samples that the network sees at a time. */
  public int group() {
    return group;
  }

  /** Bytes of device memory that this holds. */
  public long reservedBytes() {
    return arena.reservedBytes() + stepArena.reservedBytes();
  }

  /** Frees the memory of the loop; the network stays its owner's. */
  @Override
  public void close() {
    if (program != null) {
      program.close();
      program = null;
    }
    backend.synchronize();
    stepArena.close();
    arena.close();
    host.close();
  }
}
