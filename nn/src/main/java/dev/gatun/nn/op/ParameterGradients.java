package dev.gatun.nn.op;

import dev.gatun.nn.autograd.GradientSlot;
import dev.gatun.nn.autograd.Variable;
import dev.gatun.runtime.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** The gradients of a weight and of its bias, if there is one, by one call of the backend. */
final class ParameterGradients {

  interface Writer {
    void write(Tensor dweight, @Nullable Tensor dbias);
  }

  private ParameterGradients() {}

  static void write(Variable weight, @Nullable Variable bias, Writer writer) {
    try (GradientSlot dweight = weight.gradientSlot()) {
      if (bias == null) {
        writer.write(dweight.tensor(), null);
        return;
      }
      try (GradientSlot dbias = bias.gradientSlot()) {
        writer.write(dweight.tensor(), dbias.tensor());
      }
    }
  }
}
