package dev.gatun.nn.autograd;

import dev.gatun.runtime.tensor.Tensor;

/** The gradient of a recorded operator: hands each input its share of dL/dy. */
@FunctionalInterface
public interface Backward {

  /**
   * Adds to the gradients of the inputs, given {@code dy}, which may be a channel slice and must
   * not be written.
   */
  void run(Tensor dy);
}
