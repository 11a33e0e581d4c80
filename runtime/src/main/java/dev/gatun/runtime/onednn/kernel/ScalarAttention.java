package dev.gatun.runtime.onednn.kernel;

/** Attention's kernels as plain loops. */
final class ScalarAttention implements AttentionKernels {

  @Override
  public void softmax(
      long scores, long rows, int width, float scale, long denominators, long logSumExp) {
    for (long r = 0; r < rows; r++) {
      long row = scores + 4 * r * width;
      long end = row + 4L * width;
      float max = Float.NEGATIVE_INFINITY;
      for (long at = row; at < end; at += 4) {
        max = Math.max(max, Memory.getFloat(at));
      }
      float shift = scale * max;
      double sum = 0;
      for (long at = row; at < end; at += 4) {
        float p = ExpTerms.expOrZero(Math.fma(Memory.getFloat(at), scale, -shift));
        Memory.putFloat(at, p);
        sum += p;
      }
      Memory.putFloat(denominators + 4 * r, (float) sum);
      Memory.putFloat(logSumExp + 4 * r, (float) (shift + Math.log(sum)));
    }
  }

  @Override
  public void gradient(
      long scores,
      long dp,
      long batch,
      long rows,
      int width,
      float scale,
      long logSumExp,
      long delta) {
    for (long r = 0; r < batch * rows; r++) {
      long statistics = 4 * (r / rows * width);
      for (long i = 0; i < 4L * width; i += 4) {
        long at = 4 * r * width + i;
        float down = -Memory.getFloat(logSumExp + statistics + i);
        float p = ExpTerms.expOrZero(Math.fma(Memory.getFloat(scores + at), scale, down));
        float change = Memory.getFloat(dp + at) - Memory.getFloat(delta + statistics + i);
        Memory.putFloat(scores + at, p);
        Memory.putFloat(dp + at, scale * p * change);
      }
    }
  }

  @Override
  public void narrow(long x, long count) {
    for (long i = 0; i < count; i++) {
      Memory.put(x + 2 * i, Memory.getFloat(x + 4 * i), true);
    }
  }

  @Override
  public void divide(Rows x, long denominators, Rows y, long rows, int width) {
    for (long r = 0; r < rows; r++) {
      float factor = 1 / Memory.getFloat(denominators + 4 * r);
      for (int c = 0; c < width; c++) {
        float v = Memory.get(x.at(r) + (long) c * x.size(), x.low());
        Memory.put(y.at(r) + (long) c * y.size(), v * factor, y.low());
      }
    }
  }

  @Override
  public void dots(Rows a, Rows b, long rows, int width, long dots) {
    for (long r = 0; r < rows; r++) {
      float sum = 0;
      for (int c = 0; c < width; c++) {
        float left = Memory.get(a.at(r) + (long) c * a.size(), a.low());
        float right = Memory.get(b.at(r) + (long) c * b.size(), b.low());
        sum = Math.fma(left, right, sum);
      }
      Memory.putFloat(dots + 4 * r, sum);
    }
  }
}
