package dev.gatun.ddpm.unet.block;

import dev.gatun.nn.autograd.Scope;
import dev.gatun.nn.autograd.Variable;
import dev.gatun.nn.layer.Conv2d;
import dev.gatun.nn.layer.GroupNorm;
import dev.gatun.nn.layer.Linear;
import dev.gatun.nn.op.GroupNormalization.Addends;
import dev.gatun.runtime.op.Activation;
import org.jspecify.annotations.Nullable;

/**
 * y = b2(b1(x) + W time) + r(x), with b(x) = silu(groupNorm(conv3x3(x))) and r the identity, or a
 * 1x1 convolution where the channels change: x [N, H, W, channels], time [N, timeWidth], y [N, H,
 * W, outChannels].
 *
 * <p>{@code time} is the step's embedding after SiLU, which all blocks of a network share.
 */
public final class ResidualBlock {
  private final Linear time;
  private final Conv2d convolution1;
  private final GroupNorm normalization1;
  private final Conv2d convolution2;
  private final GroupNorm normalization2;
  private final @Nullable Conv2d shortcut;

  /**
   * Declares {@code mlp.1}, {@code block1.0} and {@code .1}, {@code block2.0} and {@code .1} and,
   * where the channels change, {@code res_conv}.
   */
  public ResidualBlock(Scope scope, int channels, int outChannels, int timeWidth, int groups) {
    time = new Linear(scope.child("mlp").child(1), timeWidth, outChannels);
    Scope block1 = scope.child("block1");
    convolution1 = new Conv2d(block1.child(0), channels, outChannels, 3, 1, 1);
    normalization1 = new GroupNorm(block1.child(1), groups, outChannels, Activation.SILU);
    Scope block2 = scope.child("block2");
    convolution2 = new Conv2d(block2.child(0), outChannels, outChannels, 3, 1, 1);
    normalization2 = new GroupNorm(block2.child(1), groups, outChannels, Activation.SILU);
    shortcut =
        channels == outChannels
            ? null
            : new Conv2d(scope.child("res_conv"), channels, outChannels, 1, 1, 0);
  }

  /** [N, H, W, channels] and [N, timeWidth] to [N, H, W, outChannels]. */
  public Variable forward(Variable x, Variable silu) {
    var tape = x.tape();
    try (var frame = tape.frame()) {
      Addends shift = Addends.NONE.withBias(convolution1.bias(tape)).withAfter(time.forward(silu));
      Variable h = normalization1.forward(convolution1.withoutBias(x), shift);
      Addends residual =
          Addends.NONE
              .withBias(convolution2.bias(tape))
              .withResidual(shortcut == null ? x : shortcut.forward(x));
      return frame.keep(normalization2.forward(convolution2.withoutBias(h), residual));
    }
  }
}
