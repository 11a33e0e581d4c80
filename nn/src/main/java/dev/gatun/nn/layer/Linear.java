package dev.gatun.nn.layer;

import dev.gatun.nn.autograd.Initialization;
import dev.gatun.nn.autograd.Parameter;
import dev.gatun.nn.autograd.Scope;
import dev.gatun.nn.autograd.Variable;
import dev.gatun.runtime.tensor.Shape;
import org.jspecify.annotations.Nullable;

/**
 * A matrix product with learned weight and bias, {@code torch.nn.Linear}. See {@link
 * dev.gatun.nn.op.Linear#linear}.
 */
public final class Linear implements Layer {

  private final int inputs;
  private final int outputs;
  private final Parameter weight;
  private final @Nullable Parameter bias;

  /** Declares {@code weight} and {@code bias}, both U(-b, b) with b = 1 / sqrt(inputs). */
  public Linear(Scope scope, int inputs, int outputs) {
    this(scope, inputs, outputs, true);
  }

  /** As above, without {@code bias} where {@code hasBias} is false. */
  public Linear(Scope scope, int inputs, int outputs, boolean hasBias) {
    this.inputs = inputs;
    this.outputs = outputs;
    Initialization initialization = Initialization.fanIn(inputs);
    this.weight = scope.parameter("weight", Shape.of(outputs, inputs), initialization);
    this.bias = hasBias ? scope.parameter("bias", Shape.of(outputs), initialization) : null;
  }

  /** [..., inputs] to [..., outputs]. */
  @Override
  public Variable forward(Variable x) {
    var tape = x.tape();
    return dev.gatun.nn.op.Linear.linear(
        x, tape.parameter(weight), bias == null ? null : tape.parameter(bias));
  }

  @Override
  public String toString() {
    return "Linear(in_features="
        + inputs
        + ", out_features="
        + outputs
        + ", bias="
        + (bias != null ? "True" : "False")
        + ")";
  }
}
