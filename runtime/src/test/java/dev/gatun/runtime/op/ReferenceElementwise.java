package dev.gatun.runtime.op;

import static dev.gatun.runtime.op.TensorValues.read;
import static dev.gatun.runtime.op.TensorValues.write;

import dev.gatun.runtime.tensor.Tensor;
import java.util.Arrays;
import java.util.function.IntToDoubleFunction;

/** {@link Elementwise} as its formulas say. */
final class ReferenceElementwise implements Elementwise {

  @Override
  public void activate(Activation f, Tensor x, Tensor y) {
    double[] in = read(x);
    forEach(y, i -> ReferenceActivation.value(f, in[i]));
  }

  @Override
  public void activateGradient(Activation f, Tensor x, Tensor dy, Tensor dx) {
    double[] in = read(x);
    double[] gradient = read(dy);
    forEach(dx, i -> gradient[i] * ReferenceActivation.derivative(f, in[i]));
  }

  @Override
  public void add(Tensor a, Tensor b, Tensor y) {
    double[] left = read(a);
    double[] right = read(b);
    forEach(y, i -> left[i] + right[i]);
  }

  @Override
  public void copy(Tensor x, Tensor y) {
    write(read(x), y);
  }

  @Override
  public void fill(float value, Tensor y) {
    forEach(y, i -> value);
  }

  @Override
  public void clamp(Tensor x, float low, float high, Tensor y) {
    double[] in = read(x);
    forEach(y, i -> Math.min(Math.max(in[i], low), high));
  }

  @Override
  public void addPerSample(Tensor x, Tensor shift, Tensor y) {
    double[] in = read(x);
    double[] shifts = read(shift);
    int channels = x.channels();
    int sampleSize = in.length / x.shape().batch();
    forEach(y, i -> in[i] + shifts[i / sampleSize * channels + i % channels]);
  }

  @Override
  public void combinePerSample(Tensor a, Tensor x, Tensor b, Tensor y, Tensor z) {
    double[] as = read(a);
    double[] xs = read(x);
    double[] bs = read(b);
    double[] ys = read(y);
    int sampleSize = xs.length / x.shape().batch();
    forEach(z, i -> as[i / sampleSize] * xs[i] + bs[i / sampleSize] * ys[i]);
  }

  @Override
  public void gather(Tensor table, Tensor indices, Tensor y) {
    double[] entries = read(table);
    double[] rows = read(indices);
    int width = entries.length / table.shape().batch();
    for (double index : rows) {
      if (index < 0 || index >= table.shape().batch()) {
        throw new IllegalArgumentException(
            "gather: expected indices, or steps t, of 0 to "
                + (table.shape().batch() - 1)
                + ", got "
                + (int) index);
      }
    }
    forEach(y, i -> entries[(int) rows[i / width] * width + i % width]);
  }

  private static void forEach(Tensor y, IntToDoubleFunction element) {
    double[] values = new double[Math.toIntExact(y.elements())];
    Arrays.setAll(values, element);
    write(values, y);
  }
}
