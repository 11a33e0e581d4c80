package dev.gatun.runtime.op;

import static dev.gatun.runtime.op.TensorValues.read;
import static dev.gatun.runtime.op.TensorValues.write;

import dev.gatun.runtime.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** {@link MatrixProduct} as its formulas say. */
final class ReferenceMatrixProduct implements MatrixProduct {

  @Override
  public void linear(Tensor x, Tensor weight, @Nullable Tensor bias, Tensor y) {
    write(
        linear(read(x), read(weight), bias == null ? null : read(bias), x.channels(), y.channels()),
        y);
  }

  @Override
  public void linearGradientInput(Tensor dy, Tensor weight, Tensor dx) {
    write(gradientInput(read(dy), read(weight), dx.channels(), dy.channels()), dx);
  }

  @Override
  public void linearGradientWeight(Tensor x, Tensor dy, Tensor dweight, @Nullable Tensor dbias) {
    double[] gradient = read(dy);
    write(gradientWeight(read(x), gradient, x.channels(), dy.channels()), dweight);
    if (dbias != null) {
      write(ReferenceReduction.sumRows(gradient, dy.channels()), dbias);
    }
  }

  static double[] linear(
      double[] x, double[] weight, double @Nullable [] bias, int inputs, int outputs) {
    int rows = x.length / inputs;
    double[] y = new double[rows * outputs];
    for (int r = 0; r < rows; r++) {
      for (int o = 0; o < outputs; o++) {
        double sum = bias == null ? 0 : bias[o];
        for (int i = 0; i < inputs; i++) {
          sum += x[r * inputs + i] * weight[o * inputs + i];
        }
        y[r * outputs + o] = sum;
      }
    }
    return y;
  }

  static double[] gradientInput(double[] dy, double[] weight, int inputs, int outputs) {
    int rows = dy.length / outputs;
    double[] dx = new double[rows * inputs];
    for (int r = 0; r < rows; r++) {
      for (int o = 0; o < outputs; o++) {
        for (int i = 0; i < inputs; i++) {
          dx[r * inputs + i] += dy[r * outputs + o] * weight[o * inputs + i];
        }
      }
    }
    return dx;
  }

  static double[] gradientWeight(double[] x, double[] dy, int inputs, int outputs) {
    int rows = x.length / inputs;
    double[] dweight = new double[outputs * inputs];
    for (int r = 0; r < rows; r++) {
      for (int o = 0; o < outputs; o++) {
        for (int i = 0; i < inputs; i++) {
          dweight[o * inputs + i] += dy[r * outputs + o] * x[r * inputs + i];
        }
      }
    }
    return dweight;
  }
}
