package dev.gatun.runtime.onednn.kernel;

import dev.gatun.runtime.op.Activation;
import org.jspecify.annotations.Nullable;

/** The passes of normalization by plain loops. */
final class ScalarNormalization implements NormalizationKernels {

  @Override
  public void moments(
      Rows x, long first, long rows, float[] pivot, double[] sums, double[] squares) {
    for (long r = first; r < first + rows; r++) {
      for (int c = 0; c < sums.length; c++) {
        double v = get(x, r, c) - pivot[c];
        sums[c] += v;
        squares[c] += v * v;
      }
    }
  }

  @Override
  public void apply(
      Rows x, long first, long rows, float[] scale, float[] shift, Activation f, Rows y) {
    for (long r = first; r < first + rows; r++) {
      for (int c = 0; c < scale.length; c++) {
        float z = Math.fma(get(x, r, c), scale[c], shift[c]);
        put(y, r, c, ScalarActivation.value(f, z));
      }
    }
  }

  @Override
  public void applyAndAdd(
      Rows x,
      @Nullable Rows residual,
      long first,
      long rows,
      float[] scale,
      float[] shift,
      Activation f,
      float[] after,
      Rows y) {
    for (long r = first; r < first + rows; r++) {
      for (int c = 0; c < scale.length; c++) {
        float z = Math.fma(get(x, r, c), scale[c], shift[c]);
        float sum = ScalarActivation.value(f, z) + after[c];
        put(y, r, c, residual == null ? sum : sum + get(residual, r, c));
      }
    }
  }

  @Override
  public void gradientSums(
      Rows x,
      Rows dy,
      long first,
      long rows,
      float[] scale,
      float[] shift,
      Activation f,
      float[] center,
      double[] sums,
      double[] products) {
    for (long r = first; r < first + rows; r++) {
      for (int c = 0; c < sums.length; c++) {
        float v = get(x, r, c);
        float dz = ScalarActivation.gradient(f, Math.fma(v, scale[c], shift[c]), get(dy, r, c));
        sums[c] += dz;
        products[c] += (double) dz * (v - center[c]);
      }
    }
  }

  @Override
  public void gradientApply(
      Rows x,
      Rows dy,
      long first,
      long rows,
      float[] scale,
      float[] shift,
      Activation f,
      float[] a,
      float[] b,
      float[] d,
      Rows dx) {
    for (long r = first; r < first + rows; r++) {
      for (int c = 0; c < scale.length; c++) {
        float v = get(x, r, c);
        float dz = ScalarActivation.gradient(f, Math.fma(v, scale[c], shift[c]), get(dy, r, c));
        put(dx, r, c, Math.fma(dz, a[c], Math.fma(v, b[c], d[c])));
      }
    }
  }

  private static float get(Rows x, long row, int channel) {
    return Memory.get(x.at(row) + (long) channel * x.size(), x.low());
  }

  private static void put(Rows y, long row, int channel, float value) {
    Memory.put(y.at(row) + (long) channel * y.size(), value, y.low());
  }
}
