package dev.gatun.nn.layer;

import dev.gatun.nn.autograd.Initialization;
import dev.gatun.nn.autograd.Parameter;
import dev.gatun.nn.autograd.Scope;
import dev.gatun.nn.autograd.Variable;
import dev.gatun.nn.op.GroupNormalization;
import dev.gatun.nn.op.GroupNormalization.Addends;
import dev.gatun.runtime.op.Activation;
import dev.gatun.runtime.tensor.Shape;

/**
 * Group normalization with learned scale and shift, {@code torch.nn.GroupNorm}, and an activation
 * after it in the same pass.
 */
public final class GroupNorm implements Layer {

  /** PyTorch's. */
  public static final float DEFAULT_EPSILON = 1e-5f;

  private final int groups;
  private final int channels;
  private final float epsilon;
  private final Activation activation;
  private final Parameter weight;
  private final Parameter bias;

  /** Without an activation, with the default epsilon. */
  public GroupNorm(Scope scope, int groups, int channels) {
    this(scope, groups, channels, DEFAULT_EPSILON, Activation.IDENTITY);
  }

  /** With the default epsilon. */
  public GroupNorm(Scope scope, int groups, int channels, Activation activation) {
    this(scope, groups, channels, DEFAULT_EPSILON, activation);
  }

  /** Declares {@code weight}, ones, and {@code bias}, zeros. */
  public GroupNorm(Scope scope, int groups, int channels, float epsilon, Activation activation) {
    if (groups < 1 || channels % groups != 0) {
      throw new IllegalArgumentException(
          "GroupNorm: expected a number of groups that divides the "
              + channels
              + " channels, got "
              + groups);
    }
    this.groups = groups;
    this.channels = channels;
    this.epsilon = epsilon;
    this.activation = activation;
    this.weight = scope.parameter("weight", Shape.of(channels), Initialization.constant(1));
    this.bias = scope.parameter("bias", Shape.of(channels), Initialization.constant(0));
  }

  /** [N, ..., channels] to the same. */
  @Override
  public Variable forward(Variable x) {
    return forward(x, Addends.NONE);
  }

  /** y = activation(GN(x + bias + before)) + after + residual, in one pass. */
  public Variable forward(Variable x, Addends addends) {
    return forward(x, addends, 0);
  }

  /**
   * As above.
   *
   * @param room channels that the result will be concatenated with
   */
  public Variable forward(Variable x, Addends addends, int room) {
    var tape = x.tape();
    return GroupNormalization.groupNormalization(
        x,
        addends,
        tape.parameter(weight),
        tape.parameter(bias),
        groups,
        epsilon,
        activation,
        room);
  }

  @Override
  public String toString() {
    return "GroupNorm("
        + groups
        + ", "
        + channels
        + ", eps="
        + Repr.number(epsilon)
        + ", affine=True)"
        + Repr.fused(activation);
  }
}
