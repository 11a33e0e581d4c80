package dev.gatun.nn.op;

import dev.gatun.nn.autograd.Variable;
import dev.gatun.runtime.op.LossFunction;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;

/** The mean over all elements of a function of prediction - target. */
public final class Loss {

  private Loss() {}

  /** mean((prediction - target)^2). */
  public static Variable meanSquared(Variable prediction, Tensor target) {
    return loss(LossFunction.MEAN_SQUARED, prediction, target);
  }

  /** mean(|prediction - target|). */
  public static Variable l1(Variable prediction, Tensor target) {
    return loss(LossFunction.L1, prediction, target);
  }

  /** mean(huber(prediction - target)) with delta 1. */
  public static Variable huber(Variable prediction, Tensor target) {
    return loss(LossFunction.HUBER, prediction, target);
  }

  /**
   * A FLOAT32 [1]; prediction and target have one shape. The gradient is computed along with the
   * value.
   */
  public static Variable loss(LossFunction function, Variable prediction, Tensor target) {
    Check.that(
        target.shape().equals(prediction.shape()) && target.dtype().isFloatingPoint(),
        "Loss",
        "a floating-point target of " + prediction.shape(),
        target);
    var tape = prediction.tape();
    Tensor loss = tape.empty(DType.FLOAT32, Shape.of(1));
    Tensor gradient = tape.temporary(prediction.dtype(), prediction.shape());
    prediction.backend().reduction().loss(function, prediction.value(), target, loss, gradient);
    return tape.record(
        loss,
        dloss -> {
          if (tape.isUnit(dloss)) {
            prediction.takeGradient(gradient);
          } else {
            prediction.addGradient(dx -> scale(prediction, dloss, gradient, dx));
          }
        },
        prediction);
  }

  /** dx = dloss[0] * gradient, as a batch of one sample. */
  private static void scale(Variable prediction, Tensor dloss, Tensor gradient, Tensor dx) {
    var ops = prediction.backend().elementwise();
    Shape one = Shape.of(1, Math.toIntExact(dx.rows()), dx.channels());
    prediction
        .tape()
        .scratch(
            DType.FLOAT32,
            Shape.of(1),
            zero -> {
              ops.fill(0f, zero);
              Tensor part = gradient.reshape(one);
              ops.combinePerSample(dloss, part, zero, part, dx.reshape(one));
            });
  }
}
