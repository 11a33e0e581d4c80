package dev.gatun.benchmarks;

import dev.gatun.nn.autograd.Parameter;
import dev.gatun.nn.autograd.ParameterStore;
import dev.gatun.runtime.op.Backend;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.function.IntToDoubleFunction;

/**
 * The weights and batches that PyTorch's half of the benchmarks has too: the formula in the
 * docstring of {@code benchmarks/pytorch/mnist_unet.py}.
 */
final class FormulaNumbers {
  private FormulaNumbers() {}

  /** u(stream, i), in [0, 1): SplitMix64's hash of stream * 2^32 + i, upper 24 bits. */
  static double uniform(int stream, long i) {
    long z = ((long) stream << 32) + i + 0x9E3779B97F4A7C15L;
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    z = z ^ (z >>> 31);
    return (z >>> 40) * 0x1p-24;
  }

  /** r(stream, i), in [-1, 1). */
  static double symmetric(int stream, long i) {
    return 2 * uniform(stream, i) - 1;
  }

  /** Element i of batch 0's target. */
  static double target(int i) {
    return Math.sqrt(3) * symmetric(1001, i);
  }

  /** Element i of batch 0's x. */
  static double x(int i) {
    return 0.6 * symmetric(1000, i) + 0.8 * target(i);
  }

  /** Image n's step of batch 0, in 0 .. 999; PyTorch's network is given (step + 1) / 1000. */
  static int step(int n) {
    return (int) Math.floor(1000 * uniform(1002, n));
  }

  /** Gives every parameter its value; the store's order is PyTorch's. */
  static void load(Backend backend, ParameterStore store) {
    for (Parameter parameter : store.parameters()) {
      String name = parameter.name();
      Parameter weight = store.parameter(name.substring(0, name.lastIndexOf('.')) + ".weight");
      boolean normalization = weight.shape().rank() == 1;
      double center = normalization && parameter == weight ? 1 : 0;
      double fanIn = (double) (weight.shape().elements() / weight.shape().batch());
      double bound = normalization ? 0.1 : 1 / Math.sqrt(fanIn);
      int stream = parameter.index();
      long[] shape = parameter.pytorchShape();
      int channels = shape.length == 4 ? (int) shape[1] : 1;
      int pixels = shape.length == 4 ? (int) (shape[2] * shape[3]) : 1;
      // element i in memory is [outer, pixel, channel], in PyTorch's order [outer, channel, pixel]
      upload(
          backend,
          parameter.value(),
          i -> {
            int outer = i / (channels * pixels);
            int pixel = i / channels % pixels;
            int j = (outer * channels + i % channels) * pixels + pixel;
            return center + bound * symmetric(stream, j);
          });
    }
  }

  /** Writes value(i), rounded once, to element i of a dense FLOAT32 or INT32 tensor. */
  static void upload(Backend backend, Tensor tensor, IntToDoubleFunction value) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment host = arena.allocate(4 * tensor.elements(), 64);
      for (int i = 0; i < tensor.elements(); i++) {
        if (tensor.dtype() == DType.INT32) {
          host.setAtIndex(ValueLayout.JAVA_INT, i, (int) value.applyAsDouble(i));
        } else {
          host.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) value.applyAsDouble(i));
        }
      }
      backend.upload(host, tensor);
    }
  }

  /** The 2-norm of a dense FLOAT32 tensor, summed in double. */
  static double norm(Backend backend, Tensor tensor) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment host = arena.allocate(4 * tensor.elements(), 64);
      backend.download(tensor, host);
      double sum = 0;
      for (long i = 0; i < tensor.elements(); i++) {
        double value = host.getAtIndex(ValueLayout.JAVA_FLOAT, i);
        sum += value * value;
      }
      return Math.sqrt(sum);
    }
  }
}
