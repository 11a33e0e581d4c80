package dev.gatun.nn.op;

import dev.gatun.nn.autograd.Variable;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;

/** Addition of one number per sample and channel: how a time embedding enters an image. */
public final class AddPerSample {

  private AddPerSample() {}

  /**
   * y[n, p, c] = x[n, p, c] + shift[n, c], with x and y [N, ..., C] and shift [N, C]; dx = dy,
   * dshift[n, c] = sum_p dy[n, p, c].
   */
  public static Variable addPerSample(Variable x, Variable shift) {
    Check.shape("AddPerSample", "shift", shift, Shape.of(x.shape().batch(), x.shape().channels()));
    Tensor y = x.tape().empty(x.dtype(), x.shape());
    x.backend().elementwise().addPerSample(x.value(), shift.value(), y);
    return x.tape()
        .record(
            y,
            dy -> {
              shift.addGradient(dshift -> sumPixels(shift, dy, dshift));
              x.takeGradient(dy);
            },
            x,
            shift);
  }

  private static void sumPixels(Variable shift, Tensor dy, Tensor dshift) {
    var backend = shift.backend();
    if (dshift.dtype() == DType.FLOAT32) {
      backend.reduction().sumPixels(dy, dshift);
    } else {
      shift
          .tape()
          .scratch(
              DType.FLOAT32,
              dshift.shape(),
              sum -> {
                backend.reduction().sumPixels(dy, sum);
                backend.elementwise().copy(sum, dshift);
              });
    }
  }
}
