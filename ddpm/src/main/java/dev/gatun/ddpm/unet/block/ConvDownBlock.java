package dev.gatun.ddpm.unet.block;

import dev.gatun.nn.autograd.Scope;
import dev.gatun.nn.autograd.Variable;
import dev.gatun.nn.layer.Layer;
import dev.gatun.nn.layer.MaxPool2d;

/**
 * y = maxPool2x2(convBlock(x)): [N, H, W, channels] to [N, H / 2, W / 2, outChannels], rounded
 * down.
 */
public final class ConvDownBlock implements Layer {
  private final ConvBlock block;
  private final MaxPool2d pool = new MaxPool2d(2);

  /** Declares its convolution block as {@code model.0.block}. */
  public ConvDownBlock(Scope scope, int channels, int outChannels) {
    block = new ConvBlock(scope.child("model").child(0).child("block"), channels, outChannels);
  }

  @Override
  public Variable forward(Variable x) {
    try (var frame = x.tape().frame()) {
      return frame.keep(pool.forward(block.forward(x)));
    }
  }
}
