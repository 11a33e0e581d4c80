package dev.gatun.nn.optim;

import dev.gatun.nn.autograd.DeviceScalar;
import dev.gatun.nn.autograd.ParameterStore;
import dev.gatun.runtime.op.AdamSettings;
import dev.gatun.runtime.op.ParameterUpdate;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Adam, and with a weight decay AdamW, over all trained parameters at once. Kingma and Ba 2015,
 * algorithm 1; Loshchilov and Hutter 2019, algorithm 2. The formulas are {@link
 * dev.gatun.runtime.op.ParameterUpdate#adamW}'s.
 */
public final class Adam implements Optimizer {

  private final AdamSettings settings;
  private final ParameterStore store;
  private final Tensor gradients;
  private final Tensor firstMoment;
  private final Tensor secondMoment;
  private final DeviceScalar learningRate;
  private final DeviceScalar step;

  /** Moments of zero for the parameters of {@code store}, whose arena holds them. */
  public Adam(AdamConfig config, ParameterStore store) {
    this.settings = config.settings();
    this.store = store;
    this.gradients = store.gradients();
    this.firstMoment = store.allocateRange();
    this.secondMoment = store.allocateRange();
    this.learningRate = new DeviceScalar(store.backend(), store.arena(), DType.FLOAT32);
    this.step = new DeviceScalar(store.backend(), store.arena(), DType.INT32);
    prepare(1, config.learningRate());
  }

  /**
   * Sets t and the rate of the next update.
   *
   * @param number t, 1 at the first step
   * @param rate the learning rate
   */
  @Override
  public void prepare(int number, double rate) {
    if (number < 1) {
      throw new IllegalArgumentException("Adam: expected a step of 1 or more, got " + number);
    }
    step.set(number);
    learningRate.set((float) rate);
  }

  @Override
  public void update(Tensor gradientScale) {
    move(gradientScale, null);
  }

  /**
   * {@link #update(Tensor)}, and then {@link Ema#update} of what it leaves, in one pass over the
   * parameters. Both are of one store.
   */
  public void update(Tensor gradientScale, Ema ema) {
    move(gradientScale, ema.next());
  }

  private void move(Tensor gradientScale, ParameterUpdate.@Nullable Average average) {
    var ops = store.backend().parameterUpdate();
    store.update(
        (values, rounded) ->
            ops.adamW(
                settings,
                learningRate.tensor(),
                step.tensor(),
                gradientScale,
                gradients,
                values,
                firstMoment,
                secondMoment,
                average,
                rounded));
  }

  @Override
  public Map<String, Tensor> state() {
    Map<String, Tensor> state = new LinkedHashMap<>();
    state.put("adam.exp_avg", firstMoment);
    state.put("adam.exp_avg_sq", secondMoment);
    return state;
  }
}
