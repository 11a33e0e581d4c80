package dev.gatun.runtime.op;

import static dev.gatun.runtime.op.TensorValues.read;
import static dev.gatun.runtime.op.TensorValues.write;

import dev.gatun.runtime.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * {@link Convolution} as its formulas say: all three visit the same (input pixel, output pixel,
 * kernel place) triples.
 */
final class ReferenceConvolution implements Convolution {

  @Override
  public void forward(
      ConvolutionGeometry g, Tensor x, Tensor weight, @Nullable Tensor bias, Tensor y) {
    write(forward(g, read(x), read(weight), bias == null ? null : read(bias)), y);
  }

  @Override
  public void inputGradient(
      ConvolutionGeometry g, Tensor dy, Tensor weight, @Nullable Tensor bias, Tensor dx) {
    write(inputGradient(g, read(dy), read(weight), bias == null ? null : read(bias)), dx);
  }

  @Override
  public void weightGradient(
      ConvolutionGeometry g, Tensor x, Tensor dy, Tensor dweight, @Nullable Tensor dbias) {
    double[] gradient = read(dy);
    write(weightGradient(g, read(x), gradient), dweight);
    if (dbias != null) {
      write(ReferenceReduction.sumRows(gradient, g.outChannels()), dbias);
    }
  }

  static double[] forward(
      ConvolutionGeometry g, double[] x, double[] weight, double @Nullable [] bias) {
    double[] y = filled(g.batch() * g.outHeight() * g.outWidth(), g.outChannels(), bias);
    int channels = g.channels();
    visit(
        g,
        (in, out, place) -> {
          for (int o = 0; o < g.outChannels(); o++) {
            int w = weightIndex(g, o, place);
            double sum = 0;
            for (int c = 0; c < channels; c++) {
              sum += x[in * channels + c] * weight[w + c];
            }
            y[out * g.outChannels() + o] += sum;
          }
        });
    return y;
  }

  static double[] inputGradient(
      ConvolutionGeometry g, double[] dy, double[] weight, double @Nullable [] bias) {
    double[] dx = filled(g.batch() * g.height() * g.width(), g.channels(), bias);
    int channels = g.channels();
    visit(
        g,
        (in, out, place) -> {
          for (int o = 0; o < g.outChannels(); o++) {
            int w = weightIndex(g, o, place);
            double gradient = dy[out * g.outChannels() + o];
            for (int c = 0; c < channels; c++) {
              dx[in * channels + c] += gradient * weight[w + c];
            }
          }
        });
    return dx;
  }

  static double[] weightGradient(ConvolutionGeometry g, double[] x, double[] dy) {
    double[] dweight =
        new double[g.outChannels() * g.kernelHeight() * g.kernelWidth() * g.channels()];
    int channels = g.channels();
    visit(
        g,
        (in, out, place) -> {
          for (int o = 0; o < g.outChannels(); o++) {
            int w = weightIndex(g, o, place);
            double gradient = dy[out * g.outChannels() + o];
            for (int c = 0; c < channels; c++) {
              dweight[w + c] += gradient * x[in * channels + c];
            }
          }
        });
    return dweight;
  }

  private interface Visitor {
    void visit(int inputPixel, int outputPixel, int kernelPlace);
  }

  private static void visit(ConvolutionGeometry g, Visitor visitor) {
    for (int n = 0; n < g.batch(); n++) {
      for (int i = 0; i < g.outHeight(); i++) {
        for (int j = 0; j < g.outWidth(); j++) {
          for (int u = 0; u < g.kernelHeight(); u++) {
            for (int v = 0; v < g.kernelWidth(); v++) {
              int h = i * g.stride() - g.paddingTop() + u;
              int w = j * g.stride() - g.paddingLeft() + v;
              if (h >= 0 && h < g.height() && w >= 0 && w < g.width()) {
                visitor.visit(
                    (n * g.height() + h) * g.width() + w,
                    (n * g.outHeight() + i) * g.outWidth() + j,
                    u * g.kernelWidth() + v);
              }
            }
          }
        }
      }
    }
  }

  private static int weightIndex(ConvolutionGeometry g, int outChannel, int place) {
    return (outChannel * g.kernelHeight() * g.kernelWidth() + place) * g.channels();
  }

  private static double[] filled(int rows, int channels, double @Nullable [] row) {
    double[] values = new double[rows * channels];
    for (int r = 0; row != null && r < rows; r++) {
      System.arraycopy(row, 0, values, r * channels, channels);
    }
    return values;
  }
}
