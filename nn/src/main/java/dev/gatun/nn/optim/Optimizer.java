package dev.gatun.nn.optim;

import dev.gatun.runtime.tensor.Tensor;
import java.util.Map;

/** Moves parameters against their gradients. */
public interface Optimizer {

  /**
   * Sets what the next update reads from device memory. Call it before each step, outside a
   * captured one.
   */
  void prepare(int step, double learningRate);

  /**
   * Updates the parameters from the gradients of the step.
   *
   * @param gradientScale a factor of all gradients, FLOAT32 [1]: {@link GradientClip#scale}
   */
  void update(Tensor gradientScale);

  /** What a checkpoint must hold beside the parameters: ranges parallel to theirs, by name. */
  Map<String, Tensor> state();
}
