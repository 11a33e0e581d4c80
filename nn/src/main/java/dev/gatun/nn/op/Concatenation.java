package dev.gatun.nn.op;

import dev.gatun.nn.autograd.Variable;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;

/** Concatenation along the channels: {@code torch.cat(parts, dim=1)}. */
public final class Concatenation {

  private Concatenation() {}

  /**
   * y[r, :] = parts[0][r, :], parts[1][r, :], ...; the parts agree in all extents but the last, y
   * has the first one's dtype. Each part's gradient is its slice of dy, in place. A first part with
   * {@linkplain dev.gatun.nn.autograd.Tape#empty(DType, Shape, int) room} for the others stays
   * where it is; the other parts are copied.
   */
  public static Variable concatenate(Variable... parts) {
    Check.that(parts.length > 0, "Concatenation", "one part or more", "none");
    Variable first = parts[0];
    int channels = 0;
    for (Variable part : parts) {
      Check.shape(
          "Concatenation", "a part", part, first.shape().withChannels(part.shape().channels()));
      channels += part.shape().channels();
    }
    Shape shape = first.shape().withChannels(channels);
    Tensor widened = first.tape().takeRoom(first.value(), channels);
    Tensor y = widened == null ? first.tape().empty(first.dtype(), shape) : widened;
    int from = 0;
    for (Variable part : parts) {
      int count = part.shape().channels();
      if (from > 0 || widened == null) {
        first.backend().elementwise().copy(part.value(), y.channelSlice(from, count));
      }
      from += count;
    }
    return first
        .tape()
        .record(
            y,
            dy -> {
              int start = 0;
              for (Variable part : parts) {
                int count = part.shape().channels();
                part.takeGradient(dy.channelSlice(start, count));
                start += count;
              }
            },
            parts);
  }
}
