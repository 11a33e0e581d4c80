package dev.gatun.nn.op;

import dev.gatun.nn.autograd.Randomness;
import dev.gatun.nn.autograd.Variable;
import dev.gatun.runtime.op.RandomKey;
import dev.gatun.runtime.tensor.Tensor;

/** Dropout. Srivastava et al. 2014. */
public final class Dropout {

  private Dropout() {}

  /**
   * y = x / (1 - p) with probability 1 - p, else 0, on a recording tape; y = x otherwise. Which
   * elements stay is a function of the tape's {@link Randomness}, {@code purpose}, the sample and
   * the element.
   */
  public static Variable dropout(Variable x, float p, int purpose) {
    Check.that(p >= 0 && p < 1, "Dropout", "a probability in [0, 1)", p);
    var tape = x.tape();
    if (!tape.isRecording() || p == 0) {
      return x;
    }
    var ops = x.backend().randomFill();
    Randomness randomness = tape.randomness();
    RandomKey key = new RandomKey(randomness.seed(), purpose);
    Tensor y = tape.empty(x.dtype(), x.shape());
    ops.dropout(key, randomness.step(), p, x.value(), y);
    return tape.record(
        y, dy -> x.addGradient(dx -> ops.dropout(key, randomness.step(), p, dy, dx)), x);
  }
}
