package dev.gatun.nn.optim;

import dev.gatun.nn.autograd.DeviceScalar;
import dev.gatun.nn.autograd.ParameterStore;
import dev.gatun.runtime.op.ParameterUpdate;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Tensor;
import java.util.Map;

/**
 * An exponential moving average of the trained parameters: average = d * average + (1 - d) *
 * parameter with d = min(decay, (1 + step) / (10 + step)), which follows quickly at first. It
 * starts as a copy of the parameters. Statistics are not averaged.
 */
public final class Ema {

  private final ParameterStore store;
  private final double decay;
  private final Tensor average;
  private final DeviceScalar current;

  /** An average with {@code decay} in [0, 1), held in the store's arena. */
  public Ema(ParameterStore store, double decay) {
    if (!(decay >= 0 && decay < 1)) {
      throw new IllegalArgumentException("EMA: expected a decay in [0, 1), got " + decay);
    }
    this.store = store;
    this.decay = decay;
    this.average = store.allocateRange();
    this.current = new DeviceScalar(store.backend(), store.arena(), DType.FLOAT32);
    restart();
    prepare(1);
  }

  /** average = the parameters as they are now. */
  public void restart() {
    store.backend().elementwise().copy(store.values(), average);
  }

  /**
   * Sets the decay of the next update, which follows step {@code step}, 1 at the first. Call it
   * outside a captured step.
   */
  public void prepare(int step) {
    current.set((float) decayAt(step));
  }

  /** min(decay, (1 + step) / (10 + step)). */
  public double decayAt(int step) {
    return Math.min(decay, (1.0 + step) / (10.0 + step));
  }

  /** The average and the decay of its next update. */
  ParameterUpdate.Average next() {
    return new ParameterUpdate.Average(current.tensor(), average);
  }

  /** Moves the average. */
  public void update() {
    store.backend().parameterUpdate().movingAverage(current.tensor(), store.values(), average);
  }

  /**
   * The averaged parameters, parallel to {@link ParameterStore#values}; for {@link
   * ParameterStore#substitute}.
   */
  public Tensor average() {
    return average;
  }

  /** What a checkpoint must hold. */
  public Map<String, Tensor> state() {
    return Map.of("ema", average);
  }
}
