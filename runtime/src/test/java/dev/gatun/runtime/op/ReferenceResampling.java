package dev.gatun.runtime.op;

import static dev.gatun.runtime.op.TensorValues.read;
import static dev.gatun.runtime.op.TensorValues.write;

import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;

/**
 * {@link Resampling} as its formulas say: all visit the same (large image's element, small one's,
 * place in the window) triples.
 */
final class ReferenceResampling implements Resampling {

  @Override
  public void maxPool(int kernel, int stride, Tensor x, Tensor y, Tensor argmax) {
    double[][] results = maxPool(kernel, stride, x.shape(), y.shape(), read(x));
    write(results[0], y);
    write(results[1], argmax);
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
    write(averagePoolGradient(kernel, stride, dx.shape(), dy.shape(), read(dy)), dx);
  }

  @Override
  public void nearest(int factor, Tensor x, Tensor y) {
    write(nearest(factor, x.shape(), y.shape(), read(x)), y);
  }

  @Override
  public void nearestGradient(int factor, Tensor dy, Tensor dx) {
    write(nearestGradient(factor, dx.shape(), dy.shape(), read(dy)), dx);
  }

  /** The largest elements and their places; the first NaN of a window is the largest. */
  static double[][] maxPool(int kernel, int stride, Shape input, Shape output, double[] x) {
    double[] y = zeros(output);
    double[] places = zeros(output);
    visit(
        kernel,
        stride,
        input,
        output,
        (large, small, place) -> {
          if (place == 0 || !(x[large] <= y[small] || Double.isNaN(y[small]))) {
            y[small] = x[large];
            places[small] = place;
          }
        });
    return new double[][] {y, places};
  }

  static double[] maxPoolGradient(
      int kernel, int stride, Shape input, Shape output, double[] dy, double[] argmax) {
    double[] dx = zeros(input);
    visit(
        kernel,
        stride,
        input,
        output,
        (large, small, place) -> dx[large] += argmax[small] == place ? dy[small] : 0);
    return dx;
  }

  static double[] averagePool(int kernel, int stride, Shape input, Shape output, double[] x) {
    double[] y = zeros(output);
    visit(
        kernel,
        stride,
        input,
        output,
        (large, small, place) -> y[small] += x[large] / (kernel * kernel));
    return y;
  }

  static double[] averagePoolGradient(
      int kernel, int stride, Shape input, Shape output, double[] dy) {
    double[] dx = zeros(input);
    visit(
        kernel,
        stride,
        input,
        output,
        (large, small, place) -> dx[large] += dy[small] / (kernel * kernel));
    return dx;
  }

  static double[] nearest(int factor, Shape input, Shape output, double[] x) {
    double[] y = zeros(output);
    visit(factor, factor, output, input, (large, small, place) -> y[large] = x[small]);
    return y;
  }

  static double[] nearestGradient(int factor, Shape input, Shape output, double[] dy) {
    double[] dx = zeros(input);
    visit(factor, factor, output, input, (large, small, place) -> dx[small] += dy[large]);
    return dx;
  }

  private static double[] zeros(Shape shape) {
    return new double[Math.toIntExact(shape.elements())];
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
