package dev.gatun.runtime.op;

import dev.gatun.runtime.tensor.Tensor;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** {@link Addends} in double precision, or the gradients by them. */
record ReferenceAddends(
    double @Nullable [] bias,
    double @Nullable [] before,
    double @Nullable [] after,
    double @Nullable [] residual) {

  static ReferenceAddends of(Addends addends) {
    return new ReferenceAddends(
        read(addends.bias()),
        read(addends.before()),
        read(addends.after()),
        read(addends.residual()));
  }

  /** The gradients from that by the normalized sum and that by the result. */
  static ReferenceAddends gradients(double[] dx, double[] dy, int batch, int channels) {
    return new ReferenceAddends(
        ReferenceReduction.sumRows(dx, channels),
        sumPixels(dx, batch, channels),
        sumPixels(dy, batch, channels),
        dy);
  }

  /** x + bias + before. */
  double[] addBefore(double[] x, int batch) {
    return addPerSample(addPerSample(x, bias, 1), before, batch);
  }

  /** z + after + residual. */
  double[] addBehind(double[] z, int batch) {
    return addPerSample(addPerSample(z, after, batch), residual, z.length);
  }

  private static double[] addPerSample(double[] x, double @Nullable [] shift, int batch) {
    if (shift == null) {
      return x;
    }
    int sampleSize = x.length / batch;
    int channels = shift.length / batch;
    double[] y = new double[x.length];
    Arrays.setAll(y, i -> x[i] + shift[i / sampleSize * channels + i % channels]);
    return y;
  }

  private static double[] sumPixels(double[] x, int batch, int channels) {
    double[] sums = new double[batch * channels];
    int sampleSize = x.length / batch;
    for (int i = 0; i < x.length; i++) {
      sums[i / sampleSize * channels + i % channels] += x[i];
    }
    return sums;
  }

  private static double @Nullable [] read(@Nullable Tensor x) {
    return x == null ? null : TensorValues.read(x);
  }
}
