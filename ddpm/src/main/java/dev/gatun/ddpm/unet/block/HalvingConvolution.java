package dev.gatun.ddpm.unet.block;

import dev.gatun.nn.autograd.Initialization;
import dev.gatun.nn.autograd.Parameter;
import dev.gatun.nn.autograd.Scope;
import dev.gatun.nn.autograd.Variable;
import dev.gatun.nn.layer.Layer;
import dev.gatun.nn.op.Convolution;
import dev.gatun.runtime.op.ConvolutionGeometry;
import dev.gatun.runtime.tensor.Shape;

/**
 * y = conv3x3(x) with stride 2 and one row of zeros below and one column to the right of x alone,
 * as TensorFlow pads an even size: [N, H, W, channels] to [N, H / 2, W / 2, channels].
 */
public final class HalvingConvolution implements Layer {
  private static final int KERNEL = 3;

  private final int channels;
  private final Parameter weight;
  private final Parameter bias;

  /** Declares {@code weight} and {@code bias} with PyTorch's default distributions. */
  public HalvingConvolution(Scope scope, int channels) {
    this.channels = channels;
    Initialization initialization = Initialization.fanIn(channels * KERNEL * KERNEL);
    weight =
        scope.parameter("weight", Shape.of(channels, KERNEL, KERNEL, channels), initialization);
    bias = scope.parameter("bias", Shape.of(channels), initialization);
  }

  @Override
  public Variable forward(Variable x) {
    Shape shape = x.shape();
    var tape = x.tape();
    return Convolution.convolution(
        x,
        tape.parameter(weight),
        tape.parameter(bias),
        new ConvolutionGeometry(
            shape.batch(),
            shape.height(),
            shape.width(),
            channels,
            KERNEL,
            KERNEL,
            2,
            0,
            0,
            shape.height() / 2,
            shape.width() / 2,
            channels));
  }
}
