package dev.gatun.ddpm.unet.block;

import dev.gatun.nn.autograd.Scope;
import dev.gatun.nn.autograd.Variable;
import dev.gatun.nn.layer.Conv2d;
import dev.gatun.nn.layer.GroupNorm;
import dev.gatun.nn.layer.Layer;
import dev.gatun.nn.op.GroupNormalization.Addends;
import dev.gatun.runtime.op.Activation;

/**
 * y = relu(groupNorm(conv3x3(x))) of eight groups: [N, H, W, channels] to [N, H, W, outChannels].
 */
public final class ConvBlock implements Layer {
  private static final int GROUPS = 8;

  private final Conv2d convolution;
  private final GroupNorm normalization;

  /**
   * Declares {@code 0.weight}, {@code 0.bias}, {@code 1.weight} and {@code 1.bias} in {@code
   * scope}.
   */
  public ConvBlock(Scope scope, int channels, int outChannels) {
    convolution = new Conv2d(scope.child(0), channels, outChannels, 3, 1, 1);
    normalization = new GroupNorm(scope.child(1), GROUPS, outChannels, Activation.RELU);
  }

  @Override
  public Variable forward(Variable x) {
    return forward(x, 0);
  }

  /**
   * As above.
   *
   * @param room channels that y will be concatenated with
   */
  public Variable forward(Variable x, int room) {
    try (var frame = x.tape().frame()) {
      return frame.keep(normalization.forward(convolution.forward(x), Addends.NONE, room));
    }
  }
}
