package dev.gatun.runtime.onednn;

import dev.gatun.runtime.onednn.kernel.Memory;
import dev.gatun.runtime.onednn.kernel.Rows;
import dev.gatun.runtime.tensor.Tensor;

/** One number for each channel: between tensors and arrays, which the JVM compiles in no time. */
final class ChannelNumbers {

  private ChannelNumbers() {}

  /** The elements of a dense FLOAT32 tensor. */
  static float[] of(Tensor x) {
    float[] values = new float[(int) x.elements()];
    Memory.getFloats(x.segment().address(), values);
    return values;
  }

  /** Overwrites a dense FLOAT32 tensor. */
  static void put(float[] values, Tensor x) {
    Memory.putFloats(x.segment().address(), values);
  }

  /** values = row number {@code row} of {@code x}. */
  static void get(Rows x, long row, float[] values) {
    if (!x.low()) {
      Memory.getFloats(x.at(row), values);
      return;
    }
    for (int c = 0; c < values.length; c++) {
      values[c] = Memory.get(x.at(row) + (long) c * x.size(), true);
    }
  }

  /** Row number {@code row} of {@code x} = values. */
  static void put(float[] values, Rows x, long row) {
    if (!x.low()) {
      Memory.putFloats(x.at(row), values);
      return;
    }
    for (int c = 0; c < values.length; c++) {
      Memory.put(x.at(row) + (long) c * x.size(), values[c], true);
    }
  }

  /** The sum of the workers' numbers, in their order. */
  static double[] total(double[][] parts) {
    double[] total = parts[0].clone();
    for (int i = 1; i < parts.length; i++) {
      for (int c = 0; c < total.length; c++) {
        total[c] += parts[i][c];
      }
    }
    return total;
  }

  /** x[c] = {@link #total}. */
  static void putTotal(double[][] parts, Tensor x) {
    float[] rounded = new float[parts[0].length];
    round(total(parts), rounded);
    put(rounded, Rows.of(x, 0), 0);
  }

  static void round(double[] values, float[] rounded) {
    for (int c = 0; c < rounded.length; c++) {
      rounded[c] = (float) values[c];
    }
  }
}
