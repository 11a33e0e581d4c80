package dev.gatun.nn.autograd;

import dev.gatun.runtime.op.Backend;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A value of one step and the gradient of the loss by it. Gradients have the value's shape and
 * dtype.
 *
 * <p>An operator's gradient hands over its part in one of three ways: {@link #addGradient} computes
 * it in place, {@link #takeGradient} and {@link #shareGradient} pass memory on without a copy.
 */
public final class Variable {

  private final Tape tape;
  private final Tensor value;
  private final @Nullable Tensor rounded;
  private final Shape shape;
  private final boolean requiresGradient;
  private final @Nullable Parameter parameter;
  private @Nullable Tensor gradient;
  private boolean claimed;
  private boolean kept;
  private boolean dropped;

  Variable(Tape tape, Tensor value, boolean requiresGradient) {
    this.tape = tape;
    this.value = value;
    this.rounded = null;
    this.shape = value.shape();
    this.requiresGradient = requiresGradient;
    this.parameter = null;
  }

  Variable(Tape tape, Parameter parameter, boolean requiresGradient) {
    this.tape = tape;
    this.value = parameter.value();
    Tensor factor = parameter.factor(DType.BFLOAT16);
    this.rounded = factor.dtype() == DType.BFLOAT16 ? factor : null;
    this.shape = value.shape();
    this.requiresGradient = requiresGradient;
    this.parameter = parameter;
  }

  public Tape tape() {
    return tape;
  }

  public Backend backend() {
    return tape.backend();
  }

  public Shape shape() {
    return shape;
  }

  public DType dtype() {
    return value.dtype();
  }

  /** Whether the loss's gradient by this is needed. */
  public boolean requiresGradient() {
    return requiresGradient;
  }

  /**
   * The numbers.
   *
   * @throws IllegalStateException when backward has given them back, see {@link #keep}
   */
  public Tensor value() {
    if (dropped) {
      throw new IllegalStateException(
          this + ": its value was given back by backward; mark it by keep() before");
    }
    return value;
  }

  /**
   * {@link #value} as a factor of numbers of {@code dtype}: a parameter's copy in BFLOAT16 where
   * that is asked for and there is one. Its bits are those that the conversion of the value gives.
   */
  public Tensor factor(DType dtype) {
    return dtype == DType.BFLOAT16 && rounded != null ? rounded : value();
  }

  /** This variable, whose value will outlive backward. */
  public Variable keep() {
    kept = true;
    return this;
  }

  /**
   * dL/dthis, after backward, of an {@linkplain Tape#input input} or a parameter.
   *
   * @throws IllegalStateException when there is none
   */
  public Tensor gradient() {
    if (gradient == null) {
      throw new IllegalStateException(
          this + " has no gradient: expected an input or a parameter that the loss depends on");
    }
    return gradient;
  }

  /**
   * Adds to the gradient. {@code writer} overwrites the dense tensor that it is given: the gradient
   * itself the first time, a scratch tensor that is then added later on. It is not called where no
   * gradient is needed.
   */
  public void addGradient(Consumer<Tensor> writer) {
    if (requiresGradient) {
      try (GradientSlot slot = gradientSlot()) {
        writer.accept(slot.tensor());
      }
    }
  }

  /**
   * As {@link #addGradient}, for operators that compute several gradients in one call: the tensor
   * to write, and a close that adds it. Where no gradient is needed it is scratch.
   */
  public GradientSlot gradientSlot() {
    return new GradientSlot(this);
  }

  /**
   * Adds {@code part}, a view of the operator's dy whose elements go to no other variable:
   * concatenation, reshape.
   */
  public void takeGradient(Tensor part) {
    pass(part, false);
  }

  /**
   * Adds {@code part}, a view of the operator's dy whose elements may go to other variables as
   * well: addition.
   */
  public void shareGradient(Tensor part) {
    pass(part, true);
  }

  private void pass(Tensor part, boolean sameElements) {
    if (!requiresGradient) {
      return;
    }
    if (gradient != null) {
      accumulate(part);
    } else if (parameter == null && part.dtype() == dtype()) {
      tape.addUser(part, sameElements);
      gradient = part;
    } else {
      addGradient(dx -> backend().elementwise().copy(part, dx));
    }
  }

  /** Where the next part of the gradient is to be written. */
  Tensor target() {
    if (requiresGradient && gradient == null && parameter != null) {
      if (claimed) {
        throw new IllegalArgumentException(
            "parameter " + parameter + " is two arguments of one operator: give it two parameters");
      }
      claimed = true;
      return parameter.gradient();
    }
    return tape.allocate(dtype(), shape);
  }

  /** Adds what was written to {@link #target}. */
  void commit(Tensor target) {
    if (requiresGradient && gradient == null) {
      gradient = target;
      return;
    }
    if (requiresGradient) {
      accumulate(target);
    }
    tape.release(target);
  }

  private void accumulate(Tensor part) {
    Tensor sum = gradient();
    if (parameter != null || tape.isWritable(sum)) {
      backend().elementwise().add(sum, part, sum);
    } else {
      Tensor own = tape.allocate(dtype(), shape);
      backend().elementwise().add(sum, part, own);
      tape.release(sum);
      gradient = own;
    }
  }

  @Nullable Tensor gradientOrNull() {
    return gradient;
  }

  void dropGradient() {
    if (gradient != null) {
      tape.release(gradient);
      gradient = null;
    }
  }

  void dropValue() {
    if (!kept) {
      dropped = true;
      tape.release(value);
    }
  }

  @Override
  public String toString() {
    return parameter != null ? parameter.toString() : value.toString();
  }
}
