package dev.gatun.nn.autograd;

import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Named FLOAT32 numbers of a network: trained by gradients, or kept beside (running statistics).
 * Its memory is a part of its {@link ParameterStore}.
 *
 * <p>Convolution weights are [O, kernelHeight, kernelWidth, I] here and [O, I, kernelHeight,
 * kernelWidth] in PyTorch, transposed ones [I, kernelHeight, kernelWidth, O] and [I, O,
 * kernelHeight, kernelWidth]: the one permutation of every parameter of rank 4.
 */
public final class Parameter {

  /** What the numbers are for. */
  public enum Role {
    /** Has a gradient and is changed by the optimizer. */
    TRAINED,
    /** Changed by the forward pass: running statistics. */
    STATISTIC,
    /**
     * A [1] that counts, a 64-bit integer without extents in PyTorch: {@code num_batches_tracked}.
     */
    COUNTER
  }

  private final String name;
  private final Shape shape;
  private final Role role;
  private final Initialization initialization;
  private int index;
  private long offset;
  private @Nullable ParameterStore store;
  private @Nullable Tensor value;
  private @Nullable Tensor rounded;
  private @Nullable Tensor gradient;

  Parameter(String name, Shape shape, Role role, Initialization initialization) {
    this.name = name;
    this.shape = shape;
    this.role = role;
    this.initialization = initialization;
  }

  /** PyTorch's name in the state dict: {@code decoder.up1.0.weight}. */
  public String name() {
    return name;
  }

  /** The extents in memory. */
  public Shape shape() {
    return shape;
  }

  public Role role() {
    return role;
  }

  /** Whether it has a gradient. */
  public boolean isTrainable() {
    return role == Role.TRAINED;
  }

  public Initialization initialization() {
    return initialization;
  }

  /** Its place in the order of declaration among all parameters of the store. */
  public int index() {
    return index;
  }

  /** Its first element in the store's flat range. */
  public long offset() {
    return offset;
  }

  /** The extents of PyTorch's tensor. */
  public long[] pytorchShape() {
    if (role == Role.COUNTER) {
      return new long[0];
    }
    int rank = shape.rank();
    long[] extents = new long[rank];
    for (int axis = 0; axis < rank; axis++) {
      extents[axis] = shape.extent(axis);
    }
    return rank == 4 ? new long[] {extents[0], extents[3], extents[1], extents[2]} : extents;
  }

  /**
   * The numbers, FLOAT32; where they are trained, {@linkplain Tensor#readOnly to read}: {@link
   * #upload} and {@link ParameterStore#change} write them.
   */
  public Tensor value() {
    return allocated(value);
  }

  /**
   * The numbers as factors of others of {@code dtype}: for BFLOAT16 what that keeps of them, where
   * the store {@linkplain ParameterStore#keepRounded keeps a copy} of it, else {@link #value}.
   */
  public Tensor factor(DType dtype) {
    return dtype == DType.BFLOAT16 && rounded != null ? rounded : value();
  }

  /** Overwrites the numbers by {@code floats}, as many as there are. */
  public void upload(MemorySegment floats) {
    ParameterStore owner = store();
    if (isTrainable()) {
      owner.change(values -> owner.backend().upload(floats, owner.part(this, values)));
    } else {
      owner.backend().upload(floats, value());
    }
  }

  /** dL/dvalue of the last step, FLOAT32; undefined before the first. */
  public Tensor gradient() {
    if (gradient == null) {
      gradient = store().gradientOf(this);
    }
    return gradient;
  }

  /** The owner of the memory. */
  public ParameterStore store() {
    return allocated(store);
  }

  void bind(ParameterStore owner, int position, long start) {
    if (store != null) {
      throw new IllegalStateException("parameter " + name + " belongs to a ParameterStore already");
    }
    store = owner;
    index = position;
    offset = start;
  }

  /** Says where the numbers are, and what BFLOAT16 keeps of them. */
  void setValue(Tensor numbers, @Nullable Tensor roundedNumbers) {
    value = numbers;
    rounded = roundedNumbers;
  }

  private <T> T allocated(@Nullable T part) {
    if (part == null) {
      throw new IllegalStateException(
          "parameter "
              + name
              + " has no memory yet: call ParameterStore.allocate after the network was"
              + " constructed");
    }
    return part;
  }

  @Override
  public String toString() {
    return name + shape;
  }
}
