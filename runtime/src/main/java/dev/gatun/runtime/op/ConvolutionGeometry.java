package dev.gatun.runtime.op;

import dev.gatun.runtime.tensor.Shape;

/**
 * The extents of a two-dimensional convolution from [batch, height, width, channels] to [batch,
 * outHeight, outWidth, outChannels]. Output pixel (i, j) sees input rows {@code i * stride -
 * paddingTop + (0 .. kernelHeight)}; what lies outside counts as zero, on any side.
 */
public record ConvolutionGeometry(
    int batch,
    int height,
    int width,
    int channels,
    int kernelHeight,
    int kernelWidth,
    int stride,
    int paddingTop,
    int paddingLeft,
    int outHeight,
    int outWidth,
    int outChannels) {

  public ConvolutionGeometry {
    if (batch < 1 || height < 1 || width < 1 || channels < 1 || outChannels < 1) {
      throw new IllegalArgumentException(
          "convolution: batch, extents and channels must be 1 or more");
    }
    if (kernelHeight < 1 || kernelWidth < 1 || stride < 1 || paddingTop < 0 || paddingLeft < 0) {
      throw new IllegalArgumentException(
          "convolution: expected kernel and stride of 1 or more and padding of 0 or more, got"
              + " kernel "
              + kernelHeight
              + "x"
              + kernelWidth
              + ", stride "
              + stride
              + ", padding "
              + paddingTop
              + "x"
              + paddingLeft);
    }
    if (outHeight < 1 || outWidth < 1) {
      throw new IllegalArgumentException(
          "convolution: an image of "
              + height
              + "x"
              + width
              + " is too small for kernel "
              + kernelHeight
              + "x"
              + kernelWidth
              + ", stride "
              + stride
              + ", padding "
              + paddingTop
              + "x"
              + paddingLeft);
    }
    if ((outHeight - 1) * stride + kernelHeight - height - paddingTop <= -stride
        || (outWidth - 1) * stride + kernelWidth - width - paddingLeft <= -stride) {
      throw new IllegalArgumentException(
          "convolution: "
              + outHeight
              + "x"
              + outWidth
              + " outputs leave out whole strides of an image of "
              + height
              + "x"
              + width);
    }
  }

  /**
   * The geometry for the same padding on all four sides: outHeight = (height + 2 padding - kernel)
   * / stride + 1, rounded down.
   */
  public static ConvolutionGeometry of(
      Shape input, int outChannels, int kernel, int stride, int padding) {
    return new ConvolutionGeometry(
        input.batch(),
        input.height(),
        input.width(),
        input.channels(),
        kernel,
        kernel,
        stride,
        padding,
        padding,
        Math.floorDiv(input.height() + 2 * padding - kernel, stride) + 1,
        Math.floorDiv(input.width() + 2 * padding - kernel, stride) + 1,
        outChannels);
  }

  /** [batch, height, width, channels]. */
  public Shape inputShape() {
    return Shape.of(batch, height, width, channels);
  }

  /** [batch, outHeight, outWidth, outChannels]. */
  public Shape outputShape() {
    return Shape.of(batch, outHeight, outWidth, outChannels);
  }

  /** [outChannels, kernelHeight, kernelWidth, channels]. */
  public Shape weightShape() {
    return Shape.of(outChannels, kernelHeight, kernelWidth, channels);
  }

  /** The same for another number of samples. */
  public ConvolutionGeometry withBatch(int samples) {
    return new ConvolutionGeometry(
        samples,
        height,
        width,
        channels,
        kernelHeight,
        kernelWidth,
        stride,
        paddingTop,
        paddingLeft,
        outHeight,
        outWidth,
        outChannels);
  }

  /**
   * Rows and columns of padding that the last outputs see beyond the bottom; negative where the
   * last input rows are not seen.
   */
  public int paddingBottom() {
    return (outHeight - 1) * stride + kernelHeight - height - paddingTop;
  }

  /** As {@link #paddingBottom}, on the right. */
  public int paddingRight() {
    return (outWidth - 1) * stride + kernelWidth - width - paddingLeft;
  }
}
