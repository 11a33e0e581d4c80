package dev.gatun.nn.layer;

import dev.gatun.nn.autograd.Scope;
import dev.gatun.nn.autograd.Variable;

/** Dropout on a recording tape, the identity otherwise, {@code torch.nn.Dropout}. */
public final class Dropout implements Layer {

  private final float p;
  private final int purpose;

  /** Drops elements with probability {@code p}. */
  public Dropout(Scope scope, float p) {
    if (!(p >= 0 && p < 1)) {
      throw new IllegalArgumentException("Dropout: expected a probability in [0, 1), got " + p);
    }
    this.p = p;
    this.purpose = scope.dropoutPurpose();
  }

  @Override
  public Variable forward(Variable x) {
    return dev.gatun.nn.op.Dropout.dropout(x, p, purpose);
  }

  @Override
  public String toString() {
    return "Dropout(p=" + Repr.number(p) + ", inplace=False)";
  }
}
