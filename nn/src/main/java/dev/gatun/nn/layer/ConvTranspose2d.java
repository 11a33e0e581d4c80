package dev.gatun.nn.layer;

import dev.gatun.nn.autograd.Initialization;
import dev.gatun.nn.autograd.Parameter;
import dev.gatun.nn.autograd.Scope;
import dev.gatun.nn.autograd.Variable;
import dev.gatun.nn.op.TransposedConvolution;
import dev.gatun.runtime.tensor.Shape;

/**
 * A transposed convolution with learned weight and bias, {@code torch.nn.ConvTranspose2d}. See
 * {@link TransposedConvolution#transposedConvolution}.
 */
public final class ConvTranspose2d implements Layer {

  private final int channels;
  private final int outChannels;
  private final int kernel;
  private final int stride;
  private final int padding;
  private final int outputPadding;
  private final Parameter weight;
  private final Parameter bias;

  /**
   * Declares {@code weight} and {@code bias}, both U(-b, b) with b = 1 / sqrt(outChannels
   * kernel^2), as PyTorch has it.
   */
  public ConvTranspose2d(
      Scope scope,
      int channels,
      int outChannels,
      int kernel,
      int stride,
      int padding,
      int outputPadding) {
    this.channels = channels;
    this.outChannels = outChannels;
    this.kernel = kernel;
    this.stride = stride;
    this.padding = padding;
    this.outputPadding = outputPadding;
    Initialization initialization = Initialization.fanIn(outChannels * kernel * kernel);
    this.weight =
        scope.parameter("weight", Shape.of(channels, kernel, kernel, outChannels), initialization);
    this.bias = scope.parameter("bias", Shape.of(outChannels), initialization);
  }

  /**
   * [N, H, W, channels] to [N, H', W', outChannels], H' = (H - 1) stride - 2 padding + kernel +
   * outputPadding.
   */
  @Override
  public Variable forward(Variable x) {
    var tape = x.tape();
    return TransposedConvolution.transposedConvolution(
        x, tape.parameter(weight), tape.parameter(bias), stride, padding, outputPadding);
  }

  @Override
  public String toString() {
    return Repr.convolution(
        "ConvTranspose2d", channels, outChannels, kernel, stride, padding, outputPadding, true);
  }
}
