package dev.gatun.nn.layer;

import dev.gatun.nn.autograd.Scope;
import dev.gatun.nn.autograd.Variable;
import dev.gatun.nn.op.Attention;

/**
 * Multi-head self-attention over the pixels of an image: in_proj to q, k and v, attention,
 * out_proj. Vaswani et al. 2017.
 */
public final class SelfAttention implements Layer {

  private final int heads;
  private final Linear inProjection;
  private final Linear outProjection;

  /**
   * Declares {@code in_proj.weight} [3 C, C], {@code in_proj.bias}, {@code out_proj.weight} [C, C]
   * and {@code out_proj.bias}.
   */
  public SelfAttention(Scope scope, int channels, int heads) {
    if (heads < 1 || channels % heads != 0) {
      throw new IllegalArgumentException(
          "SelfAttention: expected a number of heads that divides the "
              + channels
              + " channels, got "
              + heads);
    }
    this.heads = heads;
    this.inProjection = new Linear(scope.child("in_proj"), channels, 3 * channels);
    this.outProjection = new Linear(scope.child("out_proj"), channels, channels);
  }

  /** [N, H, W, C] or [N, T, C] to the same. */
  @Override
  public Variable forward(Variable x) {
    return outProjection.forward(Attention.selfAttention(heads, inProjection.forward(x)));
  }

  @Override
  public String toString() {
    return ModuleTree.module(
        "SelfAttention",
        new ModuleTree.Child("in_proj", inProjection),
        new ModuleTree.Child("out_proj", outProjection));
  }
}
