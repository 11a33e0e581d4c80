package dev.gatun.runtime.onednn.kernel;

import dev.gatun.runtime.op.Activation;

/** Elementwise functions by plain loops. */
final class ScalarElementwise implements ElementwiseKernels {

  @Override
  public void activate(Activation f, Rows x, Rows y, long rows, long width) {
    for (long r = 0; r < rows; r++) {
      for (long i = 0; i < width; i++) {
        put(y, r, i, ScalarActivation.value(f, get(x, r, i)));
      }
    }
  }

  @Override
  public void activateGradient(Activation f, Rows x, Rows dy, Rows dx, long rows, long width) {
    for (long r = 0; r < rows; r++) {
      for (long i = 0; i < width; i++) {
        put(dx, r, i, ScalarActivation.gradient(f, get(x, r, i), get(dy, r, i)));
      }
    }
  }

  @Override
  public void add(Rows a, Rows b, Rows y, long rows, long width) {
    combine(1f, a, 1f, b, y, 0, rows, width);
  }

  @Override
  public void copy(Rows x, Rows y, long rows, long width) {
    if (x.low() == y.low()) {
      for (long r = 0; r < rows; r++) {
        Memory.copy(x.at(r), y.at(r), width * x.size());
      }
      return;
    }
    activate(Activation.IDENTITY, x, y, rows, width);
  }

  @Override
  public void fill(float value, Rows y, long rows, long width) {
    for (long r = 0; r < rows; r++) {
      for (long i = 0; i < width; i++) {
        put(y, r, i, value);
      }
    }
  }

  @Override
  public void clamp(Rows x, float low, float high, Rows y, long rows, long width) {
    for (long r = 0; r < rows; r++) {
      for (long i = 0; i < width; i++) {
        put(y, r, i, Math.min(Math.max(get(x, r, i), low), high));
      }
    }
  }

  @Override
  public void addVector(
      Rows x, Rows shift, long shiftRow, Rows y, long first, long rows, long width) {
    for (long r = first; r < first + rows; r++) {
      for (long i = 0; i < width; i++) {
        put(y, r, i, get(x, r, i) + get(shift, shiftRow, i));
      }
    }
  }

  @Override
  public void combine(float a, Rows x, float b, Rows y, Rows z, long first, long rows, long width) {
    for (long r = first; r < first + rows; r++) {
      for (long i = 0; i < width; i++) {
        put(z, r, i, a * get(x, r, i) + b * get(y, r, i));
      }
    }
  }

  private static float get(Rows x, long row, long column) {
    return Memory.get(x.at(row) + column * x.size(), x.low());
  }

  private static void put(Rows y, long row, long column, float value) {
    Memory.put(y.at(row) + column * y.size(), value, y.low());
  }
}
