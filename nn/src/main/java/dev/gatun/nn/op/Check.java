package dev.gatun.nn.op;

import dev.gatun.nn.autograd.Variable;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** What the operators require of their arguments, and the sentence when they do not get it. */
final class Check {

  private Check() {}

  static IllegalArgumentException failure(String operator, String expected, Object got) {
    return new IllegalArgumentException(operator + ": expected " + expected + ", got " + got);
  }

  static void that(boolean condition, String operator, String expected, Object got) {
    if (!condition) {
      throw failure(operator, expected, got);
    }
  }

  static void image(String operator, Variable x) {
    if (x.shape().rank() != 4) {
      throw failure(operator, "x of [N, H, W, C]", x);
    }
  }

  static void channels(String operator, Variable x, int channels) {
    if (x.shape().channels() != channels) {
      throw failure(operator, "x with " + channels + " channels", x);
    }
  }

  static void shape(String operator, String argument, Variable x, Shape shape) {
    if (!x.shape().equals(shape)) {
      throw failure(operator, argument + " of " + shape, x);
    }
  }

  static void shape(String operator, String argument, Tensor x, DType dtype, Shape shape) {
    if (!x.shape().equals(shape) || x.dtype() != dtype) {
      throw failure(operator, argument + " " + dtype + shape, x);
    }
  }

  /** Checks what normalizations keep per channel: FLOAT32 [C]. */
  static void perChannel(String operator, String argument, Variable x, int channels) {
    shape(operator, argument, x.value(), DType.FLOAT32, Shape.of(channels));
  }

  static void bias(String operator, @Nullable Variable bias, int channels) {
    if (bias != null) {
      shape(operator, "bias", bias, Shape.of(channels));
    }
  }

  static @Nullable Tensor valueOrNull(@Nullable Variable x) {
    return x == null ? null : x.value();
  }

  static Variable[] inputs(Variable x, Variable weight, @Nullable Variable bias) {
    return bias == null ? new Variable[] {x, weight} : new Variable[] {x, weight, bias};
  }

  static boolean requiresGradient(Variable weight, @Nullable Variable bias) {
    return weight.requiresGradient() || (bias != null && bias.requiresGradient());
  }
}
