package dev.gatun.runtime.onednn.kernel;

import dev.gatun.runtime.op.Activation;
import org.jspecify.annotations.Nullable;

/**
 * The passes that group and batch normalization are made of, each over {@code rows} rows from
 * number {@code first} of every operand on. z = scale[c] x + shift[c] throughout.
 */
public interface NormalizationKernels {

  /** sums[c] += sum_r (x - pivot[c]), squares[c] += sum_r (x - pivot[c])^2. */
  void moments(Rows x, long first, long rows, float[] pivot, double[] sums, double[] squares);

  /** y = f(z). */
  void apply(Rows x, long first, long rows, float[] scale, float[] shift, Activation f, Rows y);

  /** y = f(z) + after[c] + residual, with the residual's rows where there is one. */
  void applyAndAdd(
      Rows x,
      @Nullable Rows residual,
      long first,
      long rows,
      float[] scale,
      float[] shift,
      Activation f,
      float[] after,
      Rows y);

  /** With dz = dy f'(z): sums[c] += sum_r dz, products[c] += sum_r dz (x - center[c]). */
  void gradientSums(
      Rows x,
      Rows dy,
      long first,
      long rows,
      float[] scale,
      float[] shift,
      Activation f,
      float[] center,
      double[] sums,
      double[] products);

  /** dx = a[c] dz + b[c] x + d[c]. */
  void gradientApply(
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
      Rows dx);
}
