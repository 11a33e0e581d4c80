package dev.gatun.nn.op;

import dev.gatun.nn.autograd.Variable;
import dev.gatun.runtime.tensor.Shape;

/** The extents of a pooled image. */
final class Pooling {

  private Pooling() {}

  static Shape outputShape(String operator, Variable x, int kernel, int stride) {
    Check.image(operator, x);
    Check.that(
        kernel > 0 && stride > 0,
        operator,
        "kernel and stride of 1 or more",
        kernel + " and " + stride);
    Shape shape = x.shape();
    Check.that(
        shape.height() >= kernel && shape.width() >= kernel,
        operator,
        "an image of at least " + kernel + "x" + kernel,
        x);
    return Shape.of(
        shape.batch(),
        (shape.height() - kernel) / stride + 1,
        (shape.width() - kernel) / stride + 1,
        shape.channels());
  }
}
