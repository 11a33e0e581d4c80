package dev.gatun.runtime.op;

import dev.gatun.runtime.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Two-dimensional convolutions, with dense weights [outChannels, kernelHeight, kernelWidth,
 * channels].
 *
 * <p>A transposed convolution from a to b is the input gradient of the convolution g from b to a,
 * with weights [channels of a, kernelHeight, kernelWidth, channels of b]: y = {@code
 * inputGradient(g, x, w, bias, y)}, its gradients dx = {@code forward(g, dy, w, null, dx)} and dw =
 * {@code weightGradient(g, dy, x, dw, null)}, and dbias the sum of dy's rows.
 */
public interface Convolution {

  /** y[n,i,j,o] = bias[o] + sum_{u,v,c} x[n, i s - p + u, j s - p + v, c] * weight[o,u,v,c]. */
  void forward(ConvolutionGeometry g, Tensor x, Tensor weight, @Nullable Tensor bias, Tensor y);

  /**
   * dx[n,h,w,c] = bias[c] + sum over all (i,j,o,u,v) with i s - p + u = h and j s - p + v = w of
   * dy[n,i,j,o] * weight[o,u,v,c].
   */
  void inputGradient(
      ConvolutionGeometry g, Tensor dy, Tensor weight, @Nullable Tensor bias, Tensor dx);

  /**
   * dweight[o,u,v,c] = sum_{n,i,j} dy[n,i,j,o] * x[n, i s - p + u, j s - p + v, c]; dbias[o] =
   * sum_{n,i,j} dy[n,i,j,o].
   */
  void weightGradient(
      ConvolutionGeometry g, Tensor x, Tensor dy, Tensor dweight, @Nullable Tensor dbias);
}
