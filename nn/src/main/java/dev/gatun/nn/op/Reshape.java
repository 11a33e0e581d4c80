package dev.gatun.nn.op;

import dev.gatun.nn.autograd.Variable;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;

/** The same elements, in row-major order, under other extents. */
public final class Reshape {

  private Reshape() {}

  /**
   * y = x as {@code shape}, which has as many elements. Neither way copies, but for a gap between
   * rows that y cannot have.
   */
  public static Variable reshape(Variable x, Shape shape) {
    Check.that(
        shape.elements() == x.shape().elements(),
        "Reshape",
        x.shape().elements() + " elements",
        shape);
    Tensor value = x.value();
    var ops = x.backend().elementwise();
    Tensor y;
    if (canView(value, shape)) {
      y = x.tape().share(value.reshape(shape));
    } else {
      y = x.tape().empty(x.dtype(), shape);
      ops.copy(value, y.reshape(x.shape()));
    }
    return x.tape()
        .record(
            y,
            dy -> {
              if (canView(dy, x.shape())) {
                x.takeGradient(dy.reshape(x.shape()));
              } else {
                x.addGradient(dx -> ops.copy(dy, dx.reshape(shape)));
              }
            },
            x);
  }

  private static boolean canView(Tensor x, Shape shape) {
    return x.isDense() || x.channels() == shape.channels();
  }
}
