package dev.gatun.ddpm.unet.block;

import dev.gatun.nn.autograd.Scope;
import dev.gatun.nn.autograd.Variable;

/** The lowest resolution: y = residual2(attention(residual1(x))). */
public final class CifarMidBlock {
  private final SingleHeadAttentionBlock attention;
  private final PreActivationBlock residual1;
  private final PreActivationBlock residual2;

  /** Declares {@code attentions.0}, {@code resnets.0} and {@code resnets.1}. */
  public CifarMidBlock(Scope scope, int channels, int timeWidth, int groups, float p) {
    Scope attentions = scope.child("attentions");
    attention = new SingleHeadAttentionBlock(attentions.child(0), channels, groups);
    Scope resnets = scope.child("resnets");
    residual1 = new PreActivationBlock(resnets.child(0), channels, channels, timeWidth, groups, p);
    residual2 = new PreActivationBlock(resnets.child(1), channels, channels, timeWidth, groups, p);
  }

  /** [N, H, W, channels] and [N, timeWidth] to [N, H, W, channels]. */
  public Variable forward(Variable x, Variable silu) {
    try (var frame = x.tape().frame()) {
      Variable h = attention.forward(residual1.forward(x, silu));
      return frame.keep(residual2.forward(h, silu));
    }
  }
}
