package dev.gatun.nn.autograd;

import dev.gatun.runtime.tensor.Tensor;

/**
 * Where an operator writes one part of a variable's gradient; see {@link Variable#gradientSlot}.
 */
public final class GradientSlot implements AutoCloseable {

  private final Variable variable;
  private final Tensor tensor;

  GradientSlot(Variable variable) {
    this.variable = variable;
    this.tensor = variable.target();
  }

  /** Dense, of the variable's shape and dtype, with undefined content. */
  public Tensor tensor() {
    return tensor;
  }

  /** Adds what was written to the variable's gradient. */
  @Override
  public void close() {
    variable.commit(tensor);
  }
}
