package dev.gatun.runtime.onednn.kernel;

import java.util.Arrays;

/** Convolutions of few channels as plain loops. */
final class ScalarNarrow implements NarrowKernels {

  @Override
  public void forward(
      NarrowImage x, int[] taps, long w, long bias, int lines, int columns, int width, long y) {
    float[] sums = new float[width];
    for (int i = 0; i < lines; i++) {
      for (int j = 0; j < columns; j++) {
        long window = x.address() + i * x.line() + j * x.pixel();
        for (int c = 0; c < width; c++) {
          sums[c] = Memory.getFloat(bias + 4L * c);
        }
        for (int k = 0; k < taps.length; k++) {
          float value = Memory.getFloat(window + taps[k]);
          long row = w + 4L * k * width;
          for (int c = 0; c < width; c++) {
            sums[c] += value * Memory.getFloat(row + 4L * c);
          }
        }
        long to = y + 4L * width * ((long) i * columns + j);
        for (int c = 0; c < width; c++) {
          Memory.putFloat(to + 4L * c, sums[c]);
        }
      }
    }
  }

  @Override
  public void weightGradient(
      NarrowImage x, int[] taps, Rows dy, long first, int lines, int columns, int width, long dw) {
    float[] sums = new float[width];
    for (int k = 0; k < taps.length; k++) {
      Arrays.fill(sums, 0f);
      for (int i = 0; i < lines; i++) {
        for (int j = 0; j < columns; j++) {
          float value = Memory.getFloat(x.address() + i * x.line() + j * x.pixel() + taps[k]);
          long from = dy.at(first + (long) i * columns + j);
          for (int c = 0; c < width; c++) {
            sums[c] += value * Memory.get(from + (long) c * dy.size(), dy.low());
          }
        }
      }
      for (int c = 0; c < width; c++) {
        long to = dw + 4L * (k * (long) width + c);
        Memory.putFloat(to, Memory.getFloat(to) + sums[c]);
      }
    }
  }
}
