package dev.gatun.nn.optim;

import dev.gatun.nn.autograd.DeviceScalar;
import dev.gatun.nn.autograd.ParameterStore;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Tensor;

/**
 * Limits the norm of all gradients together, as {@code torch.nn.utils.clip_grad_norm_} does.
 * Pascanu et al. 2013.
 */
public final class GradientClip {

  private final ParameterStore store;
  private final float maxNorm;
  private final DeviceScalar sumOfSquares;
  private final DeviceScalar scale;

  /** Clips at {@code maxNorm}; with {@link Float#POSITIVE_INFINITY} the norm is measured only. */
  public GradientClip(ParameterStore store, float maxNorm) {
    if (!(maxNorm > 0)) {
      throw new IllegalArgumentException(
          "gradient clipping: expected a norm above 0, got " + maxNorm);
    }
    this.store = store;
    this.maxNorm = maxNorm;
    this.sumOfSquares = new DeviceScalar(store.backend(), store.arena(), DType.FLOAT32);
    this.scale = new DeviceScalar(store.backend(), store.arena(), DType.FLOAT32);
    sumOfSquares.set(0f);
    scale.set(1f);
  }

  /**
   * scale = min(1, maxNorm / (norm + 1e-6)) of the gradients as they are now; the optimizer
   * multiplies.
   */
  public void measure() {
    store.backend().reduction().sumOfSquares(store.gradients(), sumOfSquares.tensor());
    store.backend().parameterUpdate().clipScale(sumOfSquares.tensor(), maxNorm, scale.tensor());
  }

  /** The factor for {@link Optimizer#update}, FLOAT32 [1]. */
  public Tensor scale() {
    return scale.tensor();
  }

  /** The square of {@link #norm} on the device, FLOAT32 [1]. */
  public Tensor sumOfSquares() {
    return sumOfSquares.tensor();
  }

  /** The norm before clipping that {@link #measure} found last; waits for the device. */
  public double norm() {
    return Math.sqrt(sumOfSquares.getFloat());
  }
}
