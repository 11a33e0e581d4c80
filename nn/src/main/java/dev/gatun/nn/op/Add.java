package dev.gatun.nn.op;

import dev.gatun.nn.autograd.Variable;
import dev.gatun.runtime.tensor.Tensor;

/** Addition. */
public final class Add {

  private Add() {}

  /** y = a + b, all of one shape, y of a's dtype; da = db = dy. */
  public static Variable add(Variable a, Variable b) {
    Check.shape("Add", "b", b, a.shape());
    Tensor y = a.tape().empty(a.dtype(), a.shape());
    a.backend().elementwise().add(a.value(), b.value(), y);
    return a.tape()
        .record(
            y,
            dy -> {
              if (b.requiresGradient() && a.requiresGradient()) {
                a.shareGradient(dy);
                b.shareGradient(dy);
              } else {
                a.takeGradient(dy);
                b.takeGradient(dy);
              }
            },
            a,
            b);
  }
}
