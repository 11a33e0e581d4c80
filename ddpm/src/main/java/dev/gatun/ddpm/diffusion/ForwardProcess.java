package dev.gatun.ddpm.diffusion;

import dev.gatun.runtime.memory.DeviceArena;
import dev.gatun.runtime.op.Backend;
import dev.gatun.runtime.op.RandomKey;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;

/**
 * Noises batches of N images, each to its own step: x_t = sqrt(alphaBar_t) x_0 + sqrt(1 -
 * alphaBar_t) eps. Ho et al. 2020, eq. 4.
 *
 * <p>x0, eps and results: [N, H, W, C]; t: INT32 [N] in 0 .. T-1. The weights are read on the
 * device from tables of the schedule that are uploaded once.
 */
public final class ForwardProcess {
  private final Backend backend;
  private final Prediction prediction;
  private final Tensor weights; // [4, T]: of x0 and eps in x_t, then of x0 and eps in the target
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
    weights =
        DeviceValues.floats(
                backend, arena, 4 * steps, i -> weight(schedule, prediction, i / steps, i % steps))
            .reshape(Shape.of(4, steps));
    first = Tensor.allocate(arena, DType.FLOAT32, Shape.of(batch));
    second = Tensor.allocate(arena, DType.FLOAT32, Shape.of(batch));
  }

  private static double weight(NoiseSchedule schedule, Prediction prediction, int row, int t) {
    double signal = schedule.signal(t);
    double noise = schedule.noise(t);
    Prediction.Weights target = prediction.target(signal, noise);
    return switch (row) {
      case 0 -> signal;
      case 1 -> noise;
      case 2 -> target.first();
      default -> target.second();
    };
  }

  /**
   * x_t of a batch of images, and what the network should predict of it, in one pass from the
   * images' bytes: {@link dev.gatun.runtime.op.Diffusion#noisyImages}.
   *
   * @param key of eps, with {@code step}, INT32 [1]
   * @param images UINT8 [M, H, W, C]
   * @param picks INT32 [N], the images' numbers; -1 - m for image m mirrored
   * @param xt FLOAT32 [N, H, W, C]
   * @param target as xt
   */
  public void noisyImages(
      RandomKey key, Tensor step, Tensor images, Tensor picks, Tensor t, Tensor xt, Tensor target) {
    backend.diffusion().noisyImages(key, step, images, picks, t, weights, xt, target);
  }

  /** xt = sqrt(alphaBar_t) x0 + sqrt(1 - alphaBar_t) eps. */
  public void noisy(Tensor x0, Tensor eps, Tensor t, Tensor xt) {
    combine(0, x0, eps, t, xt);
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
        combine(2, x0, eps, t, v);
        yield v;
      }
    };
  }

  /** z = weights[row, t] x + weights[row + 1, t] y. */
  private void combine(int row, Tensor x, Tensor y, Tensor t, Tensor z) {
    var ops = backend.elementwise();
    ops.gather(table(row), t, first);
    ops.gather(table(row + 1), t, second);
    ops.combinePerSample(first, x, second, y, z);
  }

  private Tensor table(int row) {
    int steps = weights.channels();
    return weights.range((long) row * steps, Shape.of(steps));
  }
}
