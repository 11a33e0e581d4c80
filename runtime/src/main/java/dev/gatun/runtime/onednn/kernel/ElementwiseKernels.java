package dev.gatun.runtime.onednn.kernel;

import dev.gatun.runtime.op.Activation;

/**
 * Functions of each of {@code rows} by {@code width} numbers; an output may lie on an input of its
 * layout.
 */
public interface ElementwiseKernels {

  /** y = f(x). */
  void activate(Activation f, Rows x, Rows y, long rows, long width);

  /** dx = dy * f'(x). */
  void activateGradient(Activation f, Rows x, Rows dy, Rows dx, long rows, long width);

  /** y = a + b. */
  void add(Rows a, Rows b, Rows y, long rows, long width);

  /** y = x. */
  void copy(Rows x, Rows y, long rows, long width);

  /** y = value. */
  void fill(float value, Rows y, long rows, long width);

  /** y = min(max(x, low), high). */
  void clamp(Rows x, float low, float high, Rows y, long rows, long width);

  /** y[r, c] = x[r, c] + shift[shiftRow, c], for {@code rows} rows from number {@code first} on. */
  void addVector(Rows x, Rows shift, long shiftRow, Rows y, long first, long rows, long width);

  /** z = a x + b y, for {@code rows} rows from number {@code first} on. */
  void combine(float a, Rows x, float b, Rows y, Rows z, long first, long rows, long width);
}
