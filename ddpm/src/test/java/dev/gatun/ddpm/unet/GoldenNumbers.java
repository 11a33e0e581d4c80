package dev.gatun.ddpm.unet;

import dev.gatun.nn.autograd.Parameter;
import dev.gatun.nn.autograd.ParameterStore;
import dev.gatun.runtime.op.Backend;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The weights and batches of {@code formula.py}, and the way between PyTorch's order of elements
 * and that in memory.
 */
final class GoldenNumbers {
  private GoldenNumbers() {}

  /** u(stream, i) of the script: SplitMix64's hash of stream * 2^32 + i, upper 24 bits. */
  static double uniform(int stream, long i) {
    long z = ((long) stream << 32) + i + 0x9E3779B97F4A7C15L;
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    z = z ^ (z >>> 31);
    return (z >>> 40) * 0x1p-24;
  }

  static double symmetric(int stream, long i) {
    return 2 * uniform(stream, i) - 1;
  }

  /** Gives every parameter the formula's values; {@code names} is PyTorch's order. */
  static void load(Backend backend, ParameterStore store, String[] names) {
    for (int p = 0; p < names.length; p++) {
      Parameter parameter = store.parameter(names[p]);
      String kind = names[p].substring(names[p].lastIndexOf('.') + 1);
      double center = 0;
      double bound = 0.1;
      switch (kind) {
        case "running_mean" -> {}
        case "running_var" -> {
          center = 1;
          bound = 0.5;
        }
        case "weight", "bias" -> {
          String layer = names[p].substring(0, names[p].length() - kind.length());
          Shape weight = store.parameter(layer + "weight").shape();
          if (weight.rank() > 1) {
            bound = 1 / Math.sqrt((double) (weight.elements() / weight.batch()));
          } else if (kind.equals("weight")) {
            center = 1;
          }
        }
        default -> {
          continue;
        }
      }
      double[] values = new double[Math.toIntExact(parameter.shape().elements())];
      for (int i = 0; i < values.length; i++) {
        values[i] = center + bound * symmetric(p, i);
      }
      double[] moved = fromPytorch(values, parameter.pytorchShape());
      float[] floats = new float[moved.length];
      for (int i = 0; i < floats.length; i++) {
        floats[i] = (float) moved[i];
      }
      parameter.upload(MemorySegment.ofArray(floats));
    }
  }

  /** OIHW to OHWI. */
  static double[] fromPytorch(double[] values, long[] shape) {
    if (shape.length != 4) {
      return values;
    }
    double[] moved = new double[values.length];
    int channels = (int) shape[1];
    int pixels = (int) (shape[2] * shape[3]);
    for (int i = 0; i < values.length; i++) {
      int outer = i / (channels * pixels);
      int channel = i / pixels % channels;
      moved[(outer * pixels + i % pixels) * channels + channel] = values[i];
    }
    return moved;
  }

  static void upload(Backend backend, double[] values, Tensor tensor) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment host = arena.allocate(4L * values.length, 64);
      for (int i = 0; i < values.length; i++) {
        if (tensor.dtype() == DType.INT32) {
          host.setAtIndex(ValueLayout.JAVA_INT, i, (int) values[i]);
        } else {
          host.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) values[i]);
        }
      }
      backend.upload(host, tensor);
    }
  }

  static double[] download(Backend backend, Tensor tensor) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment host = arena.allocate(4 * tensor.elements(), 64);
      backend.download(tensor, host);
      double[] values = new double[(int) tensor.elements()];
      for (int i = 0; i < values.length; i++) {
        values[i] = host.getAtIndex(ValueLayout.JAVA_FLOAT, i);
      }
      return values;
    }
  }

  /** The larger of the relative distances in the 2-norm and in the largest magnitude. */
  static double distance(double[] expected, double[] actual) {
    double square = 0;
    double norm = 0;
    double largest = 0;
    double scale = 0;
    for (int i = 0; i < expected.length; i++) {
      double difference = actual[i] - expected[i];
      square += difference * difference;
      norm += expected[i] * expected[i];
      largest = Math.max(largest, Math.abs(difference));
      scale = Math.max(scale, Math.abs(expected[i]));
      if (Double.isNaN(difference)) {
        return Double.NaN;
      }
    }
    return Math.max(Math.sqrt(square / norm), largest / scale);
  }
}
