package dev.gatun.nn.layer;

import dev.gatun.nn.autograd.Variable;

/**
 * A part of a network from one value to one value. Its parameters are declared in the {@link
 * dev.gatun.nn.autograd.Scope} that its constructor is given; toString is PyTorch's line.
 */
public interface Layer {

  /** The layer's result for {@code x}, recorded on x's tape. */
  Variable forward(Variable x);
}
