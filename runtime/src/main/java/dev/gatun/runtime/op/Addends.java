package dev.gatun.runtime.op;

import dev.gatun.runtime.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * What a group normalization adds on its way, y = f(GN(x + bias + before)) + after + residual; null
 * where it adds nothing. Also the gradients by them.
 *
 * @param bias FLOAT32 [C], the same for every row: the convolution's before it
 * @param before [N, C], for every row of a sample: a time embedding that enters before
 * @param after [N, C], for every row of a sample: a time embedding that enters behind
 * @param residual of x's shape; null among gradients, where it would be dy
 */
public record Addends(
    @Nullable Tensor bias,
    @Nullable Tensor before,
    @Nullable Tensor after,
    @Nullable Tensor residual) {

  /** Nothing is added. */
  public static final Addends NONE = new Addends(null, null, null, null);

  /** Whether something is added to x. */
  public boolean enterBefore() {
    return bias != null || before != null;
  }
}
