package dev.gatun.ddpm.unet.block;

import dev.gatun.nn.autograd.Scope;
import dev.gatun.nn.autograd.Variable;
import dev.gatun.nn.layer.Conv2d;
import dev.gatun.nn.layer.Dropout;
import dev.gatun.nn.layer.GroupNorm;
import dev.gatun.nn.layer.Linear;
import dev.gatun.nn.op.Add;
import dev.gatun.nn.op.GroupNormalization.Addends;
import dev.gatun.runtime.op.Activation;
import org.jspecify.annotations.Nullable;

/**
 * y = conv3x3(dropout(silu(GN(conv3x3(silu(GN(x))) + W time)))) + r(x), with r the identity, or a
 * 1x1 convolution where the channels change: x [N, H, W, channels], time [N, timeWidth], y [N, H,
 * W, outChannels]. He et al. 2016 (Identity Mappings), fig. 1 (b); Ho et al. 2020, appendix B.
 *
 * <p>{@code time} is the step's embedding after SiLU, which all blocks of a network share.
 */
public final class PreActivationBlock {
  /** Of the group normalizations. */
  public static final float EPSILON = 1e-6f;

  private final GroupNorm normalization1;
  private final Conv2d convolution1;
  private final Linear time;
  private final GroupNorm normalization2;
  private final Dropout dropout;
  private final Conv2d convolution2;
  private final @Nullable Conv2d shortcut;

  /**
   * Declares {@code norm1}, {@code conv1}, {@code time_emb_proj}, {@code norm2}, {@code conv2} and,
   * where the channels change, {@code conv_shortcut}.
   */
  public PreActivationBlock(
      Scope scope, int channels, int outChannels, int timeWidth, int groups, float p) {
    normalization1 =
        new GroupNorm(scope.child("norm1"), groups, channels, EPSILON, Activation.SILU);
    convolution1 = new Conv2d(scope.child("conv1"), channels, outChannels, 3, 1, 1);
    time = new Linear(scope.child("time_emb_proj"), timeWidth, outChannels);
    normalization2 =
        new GroupNorm(scope.child("norm2"), groups, outChannels, EPSILON, Activation.SILU);
    dropout = new Dropout(scope, p);
    convolution2 = new Conv2d(scope.child("conv2"), outChannels, outChannels, 3, 1, 1);
    shortcut =
        channels == outChannels
            ? null
            : new Conv2d(scope.child("conv_shortcut"), channels, outChannels, 1, 1, 0);
  }

  /** [N, H, W, channels] and [N, timeWidth] to [N, H, W, outChannels]. */
  public Variable forward(Variable x, Variable silu) {
    try (var frame = x.tape().frame()) {
      Addends shift =
          Addends.NONE.withBias(convolution1.bias(x.tape())).withBefore(time.forward(silu));
      Variable h = convolution1.withoutBias(normalization1.forward(x));
      Variable y = convolution2.forward(dropout.forward(normalization2.forward(h, shift)));
      return frame.keep(Add.add(y, shortcut == null ? x : shortcut.forward(x)));
    }
  }
}
