package dev.gatun.benchmarks;

import dev.gatun.nn.autograd.Parameter;
import dev.gatun.nn.autograd.ParameterStore;
import dev.gatun.runtime.op.Backend;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;

/**
 * The weights and batches that PyTorch's half of the benchmarks has too: the formula in the
 * docstring of {@code ddpm/src/test/golden/formula.py}, with the batch of PROTOCOL.md.
 */
final class FormulaNumbers {
  /** Numbers that are worth two threads. */
  private static final int LARGE = 1 << 14;

  /** Numbers that are made before they are copied to the device. */
  private static final int PART = 1 << 18;

  /** Elements that one thread makes at a time. */
  private static final int PIECE = 1 << 12;

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

  /** Element i of the batch's target, in PyTorch's order. */
  static double target(int i) {
    return Math.sqrt(3) * symmetric(1001, i);
  }

  /** Element i of the batch's x, in PyTorch's order. */
  static double x(int i) {
    return 0.6 * symmetric(1000, i) + 0.8 * target(i);
  }

  /** Image n's step of the batch, in 0 .. steps - 1. */
  static int step(int n, int steps) {
    return (int) Math.floor(steps * uniform(1002, n));
  }

  /** Gives every weight, bias and running statistic its value; the store's order is PyTorch's. */
  static void load(Backend backend, ParameterStore store) {
    for (Parameter parameter : store.parameters()) {
      String name = parameter.name();
      String kind = name.substring(name.lastIndexOf('.') + 1);
      final double center;
      final double bound;
      switch (kind) {
        case "weight", "bias" -> {
          String layer = name.substring(0, name.length() - kind.length());
          Shape weight = store.parameter(layer + "weight").shape();
          boolean normalization = weight.rank() == 1;
          center = normalization && kind.equals("weight") ? 1 : 0;
          double fanIn = (double) (weight.elements() / weight.batch());
          bound = normalization ? 0.1 : 1 / Math.sqrt(fanIn);
        }
        case "running_mean" -> {
          center = 0;
          bound = 0.1;
        }
        case "running_var" -> {
          center = 1;
          bound = 0.5;
        }
        default -> {
          continue; // frequencies, counters
        }
      }
      int stream = parameter.index();
      long[] shape = parameter.pytorchShape();
      int channels = shape.length == 4 ? (int) shape[1] : 1;
      int pixels = shape.length == 4 ? (int) (shape[2] * shape[3]) : 1;
      IntToDoubleFunction value = i -> center + bound * symmetric(stream, i);
      store.change(
          values ->
              uploadImages(
                  backend,
                  parameter.isTrainable() ? store.part(parameter, values) : parameter.value(),
                  channels,
                  pixels,
                  value));
    }
  }

  /** Images or weights by a function of PyTorch's element: [outer, channel, pixel] there. */
  static void uploadImages(
      Backend backend, Tensor tensor, int channels, int pixels, IntToDoubleFunction value) {
    // element i in memory is [outer, pixel, channel]
    upload(
        backend,
        tensor,
        i -> {
          int outer = i / (channels * pixels);
          int pixel = i / channels % pixels;
          return value.applyAsDouble((outer * channels + i % channels) * pixels + pixel);
        });
  }

  /** Writes value(i), rounded once, to element i of a dense FLOAT32 or INT32 tensor. */
  static void upload(Backend backend, Tensor tensor, IntToDoubleFunction value) {
    long elements = tensor.elements();
    boolean large = elements > LARGE;
    try (Arena arena = large ? Arena.ofShared() : Arena.ofConfined()) {
      MemorySegment host = arena.allocate(4 * Math.min(elements, PART), 64);
      for (int first = 0; first < elements; first += PART) {
        int from = first;
        int count = (int) Math.min(elements - first, PART);
        IntStream pieces = IntStream.range(0, Math.ceilDiv(count, PIECE));
        (large ? pieces.parallel() : pieces)
            .map(piece -> piece * PIECE)
            .forEach(
                at -> write(host, tensor.dtype(), from, at, Math.min(PIECE, count - at), value));
        backend.upload(host, tensor.range(first, Shape.of(count)));
      }
    }
  }

  /**
   * Elements {@code at} to {@code at + count} of the part that begins with element {@code from}.
   */
  private static void write(
      MemorySegment host, DType dtype, int from, int at, int count, IntToDoubleFunction value) {
    if (dtype == DType.INT32) {
      int[] values = new int[count];
      Arrays.setAll(values, i -> (int) value.applyAsDouble(from + at + i));
      MemorySegment.copy(values, 0, host, ValueLayout.JAVA_INT, 4L * at, count);
      return;
    }
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) value.applyAsDouble(from + at + i);
    }
    MemorySegment.copy(values, 0, host, ValueLayout.JAVA_FLOAT, 4L * at, count);
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
