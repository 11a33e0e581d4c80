package dev.gatun.ddpm.unet.block;

import dev.gatun.nn.autograd.Scope;
import dev.gatun.nn.autograd.Variable;
import dev.gatun.nn.layer.ConvTranspose2d;
import dev.gatun.nn.op.Concatenation;

/**
 * One resolution on the way up: y = convTranspose4x4(attention(residual(residual([x, skip])))) with
 * stride 2.
 */
public final class UpBlock {
  private final ResidualBlock block0;
  private final ResidualBlock block1;
  private final AttentionBlock attention;
  private final ConvTranspose2d upsample;

  /**
   * Declares {@code block0}, {@code block1}, {@code attn} and {@code upsample}.
   *
   * @param channels of x, and as many of the skip connection
   */
  public UpBlock(Scope scope, int channels, int outChannels, int timeWidth, int groups) {
    block0 = new ResidualBlock(scope.child("block0"), 2 * channels, outChannels, timeWidth, groups);
    block1 = new ResidualBlock(scope.child("block1"), outChannels, outChannels, timeWidth, groups);
    attention = new AttentionBlock(scope.child("attn"), outChannels);
    upsample = new ConvTranspose2d(scope.child("upsample"), outChannels, outChannels, 4, 2, 1, 0);
  }

  /** Both [N, H, W, channels] to [N, 2 H, 2 W, outChannels]. */
  public Variable forward(Variable x, Variable skip, Variable silu) {
    try (var frame = x.tape().frame()) {
      Variable h = block0.forward(Concatenation.concatenate(x, skip), silu);
      return frame.keep(upsample.forward(attention.forward(block1.forward(h, silu))));
    }
  }
}
