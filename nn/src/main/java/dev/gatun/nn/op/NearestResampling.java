package dev.gatun.nn.op;

import dev.gatun.nn.autograd.Variable;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;

/** Enlargement by repetition, {@code torch.nn.Upsample(mode="nearest")}. */
public final class NearestResampling {

  private NearestResampling() {}

  /** y[n,i,j,c] = x[n, i / factor, j / factor, c]: x [N, H, W, C], y [N, factor H, factor W, C]. */
  public static Variable nearest(Variable x, int factor) {
    Check.image("NearestResampling", x);
    Check.that(factor > 0, "NearestResampling", "a factor of 1 or more", factor);
    var ops = x.backend().resampling();
    Shape shape = x.shape();
    Tensor y =
        x.tape()
            .empty(
                x.dtype(),
                Shape.of(
                    shape.batch(),
                    shape.height() * factor,
                    shape.width() * factor,
                    shape.channels()));
    ops.nearest(factor, x.value(), y);
    return x.tape().record(y, dy -> x.addGradient(dx -> ops.nearestGradient(factor, dy, dx)), x);
  }
}
