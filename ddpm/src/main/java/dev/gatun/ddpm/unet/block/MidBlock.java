package dev.gatun.ddpm.unet.block;

import dev.gatun.nn.autograd.Scope;
import dev.gatun.nn.autograd.Variable;

/** y = residual(attention(residual(x))): [N, H, W, channels] to the same. */
public final class MidBlock {
  private final ResidualBlock block1;
  private final AttentionBlock attention;
  private final ResidualBlock block2;

  /** Declares {@code mid_block1}, {@code mid_attn} and {@code mid_block2}. */
  public MidBlock(Scope scope, int channels, int timeWidth, int groups) {
    block1 = new ResidualBlock(scope.child("mid_block1"), channels, channels, timeWidth, groups);
    attention = new AttentionBlock(scope.child("mid_attn"), channels);
    block2 = new ResidualBlock(scope.child("mid_block2"), channels, channels, timeWidth, groups);
  }

  /** [N, H, W, channels] and [N, timeWidth] to [N, H, W, channels]. */
  public Variable forward(Variable x, Variable silu) {
    try (var frame = x.tape().frame()) {
      return frame.keep(block2.forward(attention.forward(block1.forward(x, silu)), silu));
    }
  }
}
