package dev.gatun.ddpm.unet.block;

import dev.gatun.nn.autograd.Scope;
import dev.gatun.nn.autograd.Variable;
import dev.gatun.nn.layer.Conv2d;
import dev.gatun.nn.layer.Linear;
import dev.gatun.nn.op.Activations;
import dev.gatun.nn.op.Add;
import dev.gatun.nn.op.AddPerSample;
import dev.gatun.runtime.op.Activation;
import org.jspecify.annotations.Nullable;

/**
 * y = conv3x3(f(conv3x3(x) + W time)) + r(x), without normalization; r is the identity, or a 1x1
 * convolution where the channels change: x [N, H, W, channels], time [N, timeWidth], y [N, H, W,
 * outChannels].
 */
public final class PlainResidualBlock {
  private final Conv2d convolution1;
  private final Conv2d convolution2;
  private final @Nullable Conv2d shortcut;
  private final Linear time;
  private final Activation activation;

  /**
   * Declares {@code conv1}, {@code conv2}, {@code shortcut} where the channels change, and {@code
   * time}.
   */
  public PlainResidualBlock(
      Scope scope, int channels, int outChannels, int timeWidth, Activation activation) {
    convolution1 = new Conv2d(scope.child("conv1"), channels, outChannels, 3, 1, 1);
    convolution2 = new Conv2d(scope.child("conv2"), outChannels, outChannels, 3, 1, 1);
    shortcut =
        channels == outChannels
            ? null
            : new Conv2d(scope.child("shortcut"), channels, outChannels, 1, 1, 0);
    time = new Linear(scope.child("time"), timeWidth, outChannels);
    this.activation = activation;
  }

  /** [N, H, W, channels] and [N, timeWidth] to [N, H, W, outChannels]. */
  public Variable forward(Variable x, Variable embedding) {
    try (var frame = x.tape().frame()) {
      Variable h = AddPerSample.addPerSample(convolution1.forward(x), time.forward(embedding));
      Variable y = convolution2.forward(Activations.activate(activation, h));
      return frame.keep(Add.add(y, shortcut == null ? x : shortcut.forward(x)));
    }
  }
}
