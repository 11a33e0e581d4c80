package dev.gatun.nn.layer;

import dev.gatun.nn.autograd.Initialization;
import dev.gatun.nn.autograd.Parameter;
import dev.gatun.nn.autograd.Scope;
import dev.gatun.nn.autograd.Tape;
import dev.gatun.nn.autograd.Variable;
import dev.gatun.nn.op.Convolution;
import dev.gatun.runtime.tensor.Shape;
import org.jspecify.annotations.Nullable;

/**
 * A convolution with learned weight and bias, {@code torch.nn.Conv2d}. See {@link
 * Convolution#convolution}.
 */
public final class Conv2d implements Layer {

  private final int channels;
  private final int outChannels;
  private final int kernel;
  private final int stride;
  private final int padding;
  private final Parameter weight;
  private final @Nullable Parameter bias;

  /**
   * Declares {@code weight} and {@code bias}, both U(-b, b) with b = 1 / sqrt(channels kernel^2).
   */
  public Conv2d(Scope scope, int channels, int outChannels, int kernel, int stride, int padding) {
    this(scope, channels, outChannels, kernel, stride, padding, true);
  }

  /** As above, without {@code bias} where {@code hasBias} is false. */
  public Conv2d(
      Scope scope,
      int channels,
      int outChannels,
      int kernel,
      int stride,
      int padding,
      boolean hasBias) {
    this.channels = channels;
    this.outChannels = outChannels;
    this.kernel = kernel;
    this.stride = stride;
    this.padding = padding;
    Initialization initialization = Initialization.fanIn(channels * kernel * kernel);
    this.weight =
        scope.parameter("weight", Shape.of(outChannels, kernel, kernel, channels), initialization);
    this.bias = hasBias ? scope.parameter("bias", Shape.of(outChannels), initialization) : null;
  }

  /**
   * [N, H, W, channels] to [N, H', W', outChannels], H' = (H + 2 padding - kernel) / stride + 1.
   */
  @Override
  public Variable forward(Variable x) {
    var tape = x.tape();
    return Convolution.convolution(x, tape.parameter(weight), bias(tape), stride, padding);
  }

  /**
   * As {@link #forward} without the bias, for a normalization behind that adds it and makes its
   * gradient: {@code norm.forward(conv.withoutBias(x), Addends.NONE.withBias(conv.bias(tape)))}.
   */
  public Variable withoutBias(Variable x) {
    return Convolution.convolution(x, x.tape().parameter(weight), null, stride, padding);
  }

  /** The bias on {@code tape}; null where there is none. */
  public @Nullable Variable bias(Tape tape) {
    return bias == null ? null : tape.parameter(bias);
  }

  @Override
  public String toString() {
    return Repr.convolution(
        "Conv2d", channels, outChannels, kernel, stride, padding, 0, bias != null);
  }
}
