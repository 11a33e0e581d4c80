package dev.gatun.runtime.op;

import dev.gatun.runtime.tensor.Tensor;
import java.util.List;

/**
 * One operand of a {@link Trial}: the same tensor on the backend that is tested and on the oracle,
 * each a channel slice of a dense parent.
 */
public final class Twin {
  final Trial trial;
  final String name;
  final Tensor tested;
  final Tensor expected;
  final Parent parent;

  /**
   * The bytes that hold a twin and its gaps, what they were at first, and the parts that an
   * operator may write.
   */
  record Parent(Tensor tested, byte[] initial, List<Twin> written) {}

  Twin(Trial trial, String name, Tensor tested, Tensor expected, Parent parent) {
    this.trial = trial;
    this.name = name;
    this.tested = tested;
    this.expected = expected;
    this.parent = parent;
  }

  /** The tensor on {@code backend}: of the tested backend or the oracle. */
  public Tensor on(Backend backend) {
    return backend == trial.reference() ? expected : tested;
  }

  /** Some channels of every row, as an operand of their own. */
  public Twin channelSlice(int from, int count) {
    return new Twin(
        trial,
        name + "[" + from + ":" + (from + count) + "]",
        tested.channelSlice(from, count),
        expected.channelSlice(from, count),
        parent);
  }

  @Override
  public String toString() {
    return name + ":" + tested;
  }
}
