package dev.gatun.ddpm.unet.block;

import dev.gatun.nn.autograd.Scope;
import dev.gatun.nn.autograd.Variable;
import dev.gatun.nn.layer.ConvTranspose2d;
import dev.gatun.nn.op.Concatenation;

/**
 * y = convBlock(convTranspose2x2([x, skip])): x and skip [N, H, W, ...] of {@code channels}
 * together, y [N, 2 H + p, 2 W + p, outChannels] with the output padding p, which makes an odd
 * extent reachable.
 */
public final class ConvUpBlock {
  private final ConvTranspose2d enlarge;
  private final ConvBlock block;

  /**
   * Declares its transposed convolution as {@code model.0} and its convolution block as {@code
   * model.1.block}.
   */
  public ConvUpBlock(Scope scope, int channels, int outChannels, int outputPadding) {
    Scope model = scope.child("model");
    enlarge = new ConvTranspose2d(model.child(0), channels, outChannels, 2, 2, 0, outputPadding);
    block = new ConvBlock(model.child(1).child("block"), outChannels, outChannels);
  }

  /**
   * Both [N, H, W, ...] to [N, 2 H + p, 2 W + p, outChannels].
   *
   * @param room channels that y will be concatenated with
   */
  public Variable forward(Variable x, Variable skip, int room) {
    try (var frame = x.tape().frame()) {
      Variable joined = Concatenation.concatenate(x, skip);
      return frame.keep(block.forward(enlarge.forward(joined), room));
    }
  }
}
