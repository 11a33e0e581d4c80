package dev.gatun.ddpm.unet.block;

import dev.gatun.nn.autograd.Scope;
import dev.gatun.nn.autograd.Variable;
import dev.gatun.nn.layer.Linear;
import dev.gatun.nn.op.Activations;

/** y = W2 sin(W1 t) + b2, with t [N, 1] in (0, 1] and y [N, width]. */
public final class SineTimeEmbedding {
  private static final int FREQUENCIES = 32;

  private final Linear frequencies;
  private final Linear mixture;

  /** Declares {@code lin1.weight}, {@code lin2.weight} and {@code lin2.bias}. */
  public SineTimeEmbedding(Scope scope, int width) {
    frequencies = new Linear(scope.child("lin1"), 1, FREQUENCIES, false);
    mixture = new Linear(scope.child("lin2"), FREQUENCIES, width);
  }

  /** [N, 1] to [N, width]. */
  public Variable forward(Variable t) {
    try (var frame = t.tape().frame()) {
      return frame.keep(mixture.forward(Activations.sine(frequencies.forward(t))));
    }
  }
}
