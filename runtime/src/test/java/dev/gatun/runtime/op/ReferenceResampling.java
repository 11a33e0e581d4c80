package dev.gatun.runtime.op;

import static dev.gatun.runtime.op.TensorValues.read;
import static dev.gatun.runtime.op.TensorValues.write;

import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;
import java.util.Arrays;

/** {@link Resampling} as its formulas say. */
final class ReferenceResampling implements Resampling {

  @Override
  public void maxPool(int kernel, int stride, Tensor x, Tensor y, Tensor argmax) {
    double[] in = read(x);
    double[] out = new double[Math.toIntExact(y.elements())];
    double[] places = new double[out.length];
    Arrays.fill(out, Double.NEGATIVE_INFINITY);
    visit(
        kernel,
        stride,
        x.shape(),
        y.shape(),
        (large, small, place) -> {
          if (in[large] > out[small]) {
            out[small] = in[large];
            places[small] = place;
          }
        });
    write(out, y);
    write(places, argmax);
  }

  @Override
  public void maxPoolGradient(int kernel, int stride, Tensor dy, Tensor argmax, Tensor dx) {
    write(maxPoolGradient(kernel, stride, dx.shape(), dy.shape(), read(dy), read(argmax)), dx);
  }

  @Override
  public void averagePool(int kernel, int stride, Tensor x, Tensor y) {
    write(averagePool(kernel, stride, x.shape(), y.shape(), read(x)), y);
  }

  @Override
  public void averagePoolGradient(int kernel, int stride, Tensor dy, Tensor dx) {
    double[] gradient = read(dy);
    double[] out = new double[Math.toIntExact(dx.elements())];
    visit(
        kernel,
        stride,
        dx.shape(),
        dy.shape(),
        (large, small, place) -> out[large] += gradient[small] / (kernel * kernel));
    write(out, dx);
  }

  @Override
  public void nearest(int factor, Tensor x, Tensor y) {
    double[] in = read(x);
    double[] out = new double[Math.toIntExact(y.elements())];
    visit(factor, factor, y.shape(), x.shape(), (large, small, place) -> out[large] = in[small]);
    write(out, y);
  }

  @Override
  public void nearestGradient(int factor, Tensor dy, Tensor dx) {
    double[] gradient = read(dy);
    double[] out = new double[Math.toIntExact(dx.elements())];
    visit(
        factor,
        factor,
        dy.shape(),
        dx.shape(),
        (large, small, place) -> out[small] += gradient[large]);
    write(out, dx);
  }

  static double[] averagePool(int kernel, int stride, Shape input, Shape output, double[] x) {
    double[] y = new double[Math.toIntExact(output.elements())];
    visit(
        kernel,
        stride,
        input,
        output,
        (large, small, place) -> y[small] += x[large] / (kernel * kernel));
    return y;
  }

  static double[] maxPoolGradient(
      int kernel, int stride, Shape input, Shape output, double[] dy, double[] argmax) {
    double[] dx = new double[Math.toIntExact(input.elements())];
    visit(
        kernel,
        stride,
        input,
        output,
        (large, small, place) -> {
          if (argmax[small] == place) {
            dx[large] += dy[small];
          }
        });
    return dx;
  }

  private interface Visitor {
    void visit(int large, int small, int place);
  }

  /**
   * Visits every element of the larger image under every window, in the windows' order of places.
   */
  private static void visit(int kernel, int stride, Shape large, Shape small, Visitor visitor) {
    int channels = large.channels();
    for (int n = 0; n < small.batch(); n++) {
      for (int i = 0; i < small.height(); i++) {
        for (int j = 0; j < small.width(); j++) {
          for (int place = 0; place < kernel * kernel; place++) {
            int h = i * stride + place / kernel;
            int w = j * stride + place % kernel;
            for (int c = 0; c < channels; c++) {
              visitor.visit(
                  ((n * large.height() + h) * large.width() + w) * channels + c,
                  ((n * small.height() + i) * small.width() + j) * channels + c,
                  place);
            }
          }
        }
      }
    }
  }
}
