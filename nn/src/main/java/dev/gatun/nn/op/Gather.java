package dev.gatun.nn.op;

import dev.gatun.nn.autograd.Tape;
import dev.gatun.nn.autograd.Variable;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;

/** Rows of a table of constants: a time embedding, a noise schedule. */
public final class Gather {

  private Gather() {}

  /**
   * y[i, :] = table[indices[i], :] in the compute dtype, indices INT32 [N] within the table's rows:
   * table [T, D] and y [N, D]. The table has no gradient.
   */
  public static Variable gather(Tape tape, Tensor table, Tensor indices) {
    Check.that(
        table.shape().rank() == 2 && table.dtype().isFloatingPoint(),
        "Gather",
        "a floating-point table of [T, D]",
        table);
    Check.shape("Gather", "indices", indices, DType.INT32, Shape.of(indices.shape().batch()));
    Tensor y = tape.empty(Shape.of(indices.shape().batch(), table.channels()));
    tape.backend().elementwise().gather(table, indices, y);
    return tape.constant(y);
  }
}
