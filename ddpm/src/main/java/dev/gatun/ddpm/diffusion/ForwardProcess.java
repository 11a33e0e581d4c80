package dev.gatun.ddpm.diffusion;

import dev.gatun.runtime.memory.DeviceArena;
import dev.gatun.runtime.op.Backend;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;
import java.util.function.IntToDoubleFunction;

/**
 * Noises batches of N images, each to its own step: x_t = sqrt(alphaBar_t) x_0 + sqrt(1 -
 * alphaBar_t) eps. Ho et al. 2020, eq. 4.
 *
 * <p>x0, eps and results: [N, H, W, C]; t: INT32 [N] in 0 .. T-1. The weights are read on the
 * device from tables of the schedule, FLOAT32 [T], that are uploaded once.
 */
public final class ForwardProcess {
  private final Backend backend;
  private final Prediction prediction;
  private final Tensor signalTable;
  private final Tensor noiseTable;
  private final Tensor targetImageTable;
  private final Tensor targetNoiseTable;
  private final Tensor first;
  private final Tensor second;

  /**
   * For batches of {@code batch} images and networks that predict {@code prediction}; the tables
   * live in {@code arena}.
   */
  public ForwardProcess(
      Backend backend,
      DeviceArena arena,
      NoiseSchedule schedule,
      Prediction prediction,
      int batch) {
    this.backend = backend;
    this.prediction = prediction;
    int steps = schedule.steps();
    signalTable = DeviceValues.floats(backend, arena, steps, schedule::signal);
    noiseTable = DeviceValues.floats(backend, arena, steps, schedule::noise);
    IntToDoubleFunction image =
        t -> prediction.target(schedule.signal(t), schedule.noise(t)).first();
    IntToDoubleFunction noise =
        t -> prediction.target(schedule.signal(t), schedule.noise(t)).second();
    targetImageTable = DeviceValues.floats(backend, arena, steps, image);
    targetNoiseTable = DeviceValues.floats(backend, arena, steps, noise);
    first = Tensor.allocate(arena, DType.FLOAT32, Shape.of(batch));
    second = Tensor.allocate(arena, DType.FLOAT32, Shape.of(batch));
  }

  /** xt = sqrt(alphaBar_t) x0 + sqrt(1 - alphaBar_t) eps. */
  public void noisy(Tensor x0, Tensor eps, Tensor t, Tensor xt) {
    combine(signalTable, x0, noiseTable, eps, t, xt);
  }

  /**
   * What the network should predict: x0 or eps itself, or v, which is written to {@code v}.
   *
   * @return the one of the three tensors that holds the target
   */
  public Tensor target(Tensor x0, Tensor eps, Tensor t, Tensor v) {
    return switch (prediction) {
      case EPSILON -> eps;
      case X0 -> x0;
      case V -> {
        combine(targetImageTable, x0, targetNoiseTable, eps, t, v);
        yield v;
      }
    };
  }

  private void combine(Tensor a, Tensor x, Tensor b, Tensor y, Tensor t, Tensor z) {
    var ops = backend.elementwise();
    ops.gather(a, t, first);
    ops.gather(b, t, second);
    ops.combinePerSample(first, x, second, y, z);
  }
}
