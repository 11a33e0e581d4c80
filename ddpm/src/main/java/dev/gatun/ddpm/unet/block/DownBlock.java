package dev.gatun.ddpm.unet.block;

import dev.gatun.nn.autograd.Scope;
import dev.gatun.nn.autograd.Variable;
import dev.gatun.nn.layer.Conv2d;
import org.jspecify.annotations.Nullable;

/**
 * One resolution on the way down: skip = attention(residual(residual(x))), y = conv4x4(skip) with
 * stride 2, or skip itself on the last resolution.
 */
public final class DownBlock {
  private final ResidualBlock block0;
  private final ResidualBlock block1;
  private final AttentionBlock attention;
  private final @Nullable Conv2d downsample;

  /**
   * Declares {@code block0}, {@code block1}, {@code attn} and, where {@code isLast} is false,
   * {@code downsample}.
   */
  public DownBlock(
      Scope scope, int channels, int outChannels, int timeWidth, int groups, boolean isLast) {
    block0 = new ResidualBlock(scope.child("block0"), channels, outChannels, timeWidth, groups);
    block1 = new ResidualBlock(scope.child("block1"), outChannels, outChannels, timeWidth, groups);
    attention = new AttentionBlock(scope.child("attn"), outChannels);
    downsample =
        isLast ? null : new Conv2d(scope.child("downsample"), outChannels, outChannels, 4, 2, 1);
  }

  /** The skip connection: [N, H, W, channels] and [N, timeWidth] to [N, H, W, outChannels]. */
  public Variable skip(Variable x, Variable silu) {
    try (var frame = x.tape().frame()) {
      return frame.keep(attention.forward(block1.forward(block0.forward(x, silu), silu)));
    }
  }

  /** [N, H, W, outChannels] to [N, H / 2, W / 2, outChannels], or to the same if it is the last. */
  public Variable downsample(Variable skip) {
    return downsample == null ? skip : downsample.forward(skip);
  }
}
