package dev.gatun.nn.op;

import dev.gatun.nn.autograd.Variable;
import dev.gatun.runtime.op.Activation;
import dev.gatun.runtime.tensor.Tensor;

/**
 * y = f(x), element by element; y has x's shape and dtype. The functions are {@link Activation}'s.
 */
public final class Activations {

  private Activations() {}

  /** y = x * sigmoid(x). */
  public static Variable silu(Variable x) {
    return activate(Activation.SILU, x);
  }

  /** y = max(x, 0). */
  public static Variable relu(Variable x) {
    return activate(Activation.RELU, x);
  }

  /** y = x * (1 + erf(x / sqrt 2)) / 2. */
  public static Variable gelu(Variable x) {
    return activate(Activation.GELU, x);
  }

  /** y = sin x. */
  public static Variable sine(Variable x) {
    return activate(Activation.SINE, x);
  }

  /** y = f(x); dx = dy * f'(x). */
  public static Variable activate(Activation f, Variable x) {
    if (f == Activation.IDENTITY) {
      return x;
    }
    var ops = x.backend().elementwise();
    Tensor value = x.value();
    Tensor y = x.tape().empty(x.dtype(), x.shape());
    ops.activate(f, value, y);
    return x.tape().record(y, dy -> x.addGradient(dx -> ops.activateGradient(f, value, dy, dx)), x);
  }
}
