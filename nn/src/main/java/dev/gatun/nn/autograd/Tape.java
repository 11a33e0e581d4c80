package dev.gatun.nn.autograd;

import dev.gatun.runtime.memory.DeviceArena;
import dev.gatun.runtime.memory.DeviceBuffer;
import dev.gatun.runtime.op.Backend;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Records the operators of one step and runs their gradients in reverse.
 *
 * <p>A recording tape is in training mode: batch normalization uses the batch's statistics, dropout
 * drops, and {@link #backward} may be called. A tape that does not record is in evaluation mode.
 *
 * <p>Memory: everything that the tape allocates comes from its arena, in an order that depends on
 * the recorded operators alone, so that equal steps get equal addresses. {@link #backward} gives
 * back each operator's output, its gradient and its temporaries as soon as its own gradient has
 * run. A tape that does not record gives back temporaries at once and values at the end of their
 * {@link Frame}. What is left is given back by {@link #close}; alternatively the arena is reset and
 * the tape dropped.
 *
 * <p>Constants and inputs whose memory the tape did not allocate stay their owner's.
 */
public final class Tape implements AutoCloseable {

  private final Backend backend;
  private final DeviceArena arena;
  private final DType compute;
  private final boolean recording;
  private final @Nullable Randomness randomness;
  private final Map<DeviceBuffer, Holding> holdings = new IdentityHashMap<>();
  private final Map<Parameter, Variable> parameters = new IdentityHashMap<>();
  private final List<Node> nodes = new ArrayList<>();
  private List<Tensor> temporaries = new ArrayList<>();
  private @Nullable Frame frame;
  private @Nullable Tensor unit;

  /** A tape without random operators. */
  public Tape(Backend backend, DeviceArena arena, DType compute, boolean recording) {
    this(backend, arena, compute, recording, null);
  }

  /**
   * A tape over {@code arena}.
   *
   * @param compute the dtype of activations, FLOAT32 or BFLOAT16
   * @param recording whether gradients will be wanted (training) or not (evaluation)
   * @param randomness what dropout is keyed by; null where there is none
   */
  public Tape(
      Backend backend,
      DeviceArena arena,
      DType compute,
      boolean recording,
      @Nullable Randomness randomness) {
    if (!compute.isFloatingPoint()) {
      throw new IllegalArgumentException(
          "tape: expected compute dtype FLOAT32 or BFLOAT16, got " + compute);
    }
    this.backend = backend;
    this.arena = arena;
    this.compute = compute;
    this.recording = recording;
    this.randomness = randomness;
  }

  public Backend backend() {
    return backend;
  }

  /** The dtype of activations. */
  public DType compute() {
    return compute;
  }

  /** Whether operators are recorded, which is training mode. */
  public boolean isRecording() {
    return recording;
  }

  /**
   * What random operators are keyed by.
   *
   * @throws IllegalStateException when the tape was made without
   */
  public Randomness randomness() {
    if (randomness == null) {
      throw new IllegalStateException(
          "tape: a random operator needs a tape that was constructed with a Randomness");
    }
    return randomness;
  }

  /** A new tensor of the compute dtype, with undefined content, for an operator's output. */
  public Tensor empty(Shape shape) {
    return empty(compute, shape);
  }

  /** A new tensor with undefined content, for an operator's output. */
  public Tensor empty(DType dtype, Shape shape) {
    Tensor tensor = allocate(dtype, shape);
    if (frame != null) {
      frame.tensors.add(tensor);
    }
    return tensor;
  }

  /**
   * As {@link #empty(DType, Shape)}, with room for {@code room} channels more behind each row,
   * which a concatenation fills instead of copying what is there.
   */
  public Tensor empty(DType dtype, Shape shape, int room) {
    if (room == 0) {
      return empty(dtype, shape);
    }
    Tensor whole = empty(dtype, shape.withChannels(shape.channels() + room));
    Objects.requireNonNull(holdings.get(whole.buffer())).whole = whole;
    return whole.channelSlice(0, shape.channels());
  }

  /**
   * The rows of {@code channels} that begin with those of {@code x}, counted as one more user of
   * their memory, where {@linkplain #empty(DType, Shape, int) room} was left for just them; null
   * where it was not, or is taken already.
   */
  public @Nullable Tensor takeRoom(Tensor x, int channels) {
    Holding holding = holdings.get(x.buffer());
    if (holding == null) {
      return null;
    }
    Tensor whole = holding.whole;
    if (whole == null
        || whole.channels() != channels
        || whole.rows() != x.rows()
        || whole.segment().address() != x.segment().address()) {
      return null;
    }
    holding.whole = null;
    return share(whole.reshape(x.shape().withChannels(channels)));
  }

  /**
   * A new tensor that the operator which is recorded next keeps for its gradient: statistics,
   * argmax, ...
   */
  public Tensor temporary(DType dtype, Shape shape) {
    Tensor tensor = allocate(dtype, shape);
    temporaries.add(tensor);
    return tensor;
  }

  /** Gives {@code use} a tensor that lives during the call only. */
  public void scratch(DType dtype, Shape shape, Consumer<Tensor> use) {
    Tensor tensor = allocate(dtype, shape);
    use.accept(tensor);
    release(tensor);
  }

  /** A variable without gradient. */
  public Variable constant(Tensor value) {
    return new Variable(this, value, false);
  }

  /**
   * A variable whose gradient is wanted; read it by {@link Variable#gradient} between backward and
   * close.
   */
  public Variable input(Tensor value) {
    return new Variable(this, value, recording);
  }

  /** The parameter as a variable of this step; each use adds to the same gradient. */
  public Variable parameter(Parameter parameter) {
    Variable variable = parameters.get(parameter);
    if (variable == null) {
      variable = new Variable(this, parameter, recording && parameter.isTrainable());
      parameters.put(parameter, variable);
    }
    return variable;
  }

  /**
   * Makes an operator's output a variable. The tape owns {@code y} if it allocated it, and a view's
   * memory as long as the view is needed; pending {@linkplain #temporary temporaries} go with it.
   */
  public Variable record(Tensor y, Backward backward, Variable... inputs) {
    boolean requiresGradient = false;
    for (Variable input : inputs) {
      if (input.tape() != this) {
        throw new IllegalArgumentException(
            "tape: an operator's input " + input + " belongs to another tape");
      }
      requiresGradient |= input.requiresGradient();
    }
    Variable variable = new Variable(this, y, requiresGradient);
    if (requiresGradient) {
      nodes.add(new Node(variable, backward, temporaries));
      temporaries = new ArrayList<>();
    } else {
      temporaries.forEach(this::release);
      temporaries.clear();
    }
    return variable;
  }

  /**
   * {@code view}, counted as one more user of its memory: what a view operator hands to {@link
   * #record}.
   */
  public Tensor share(Tensor view) {
    Holding holding = holdings.get(view.buffer());
    if (holding != null) {
      holding.users++;
      if (frame != null) {
        frame.tensors.add(view);
      }
    }
    return view;
  }

  /**
   * Runs the recorded gradients from a scalar loss, dL/dloss = 1, and forgets what was recorded.
   * Gradients of parameters are overwritten by the first backward of a tape and added to by later
   * ones; a parameter without a part in the loss gets zero.
   */
  public void backward(Variable loss) {
    if (loss.shape().elements() != 1) {
      throw new IllegalArgumentException("backward: expected a loss of one element, got " + loss);
    }
    if (unit == null) {
      unit = allocate(DType.FLOAT32, Shape.of(1));
      backend.elementwise().fill(1f, unit);
    }
    backward(loss, unit.reshape(loss.shape()));
  }

  /** As {@link #backward(Variable)}, from dL/dy = {@code dy}, which stays the caller's. */
  public void backward(Variable y, Tensor dy) {
    if (!recording) {
      throw new IllegalStateException("backward: the tape does not record");
    }
    if (!y.requiresGradient()) {
      throw new IllegalArgumentException(
          "backward: " + y + " depends on no parameter and on no input");
    }
    if (!dy.shape().equals(y.shape())) {
      throw new IllegalArgumentException("backward: expected dy of " + y.shape() + ", got " + dy);
    }
    y.keep();
    y.shareGradient(dy);
    while (!nodes.isEmpty()) {
      Node node = nodes.removeLast();
      Tensor gradient = node.output.gradientOrNull();
      if (gradient != null) {
        node.backward.run(gradient);
        node.output.dropGradient();
      }
      node.temporaries.forEach(this::release);
      node.output.dropValue();
    }
    clearUnusedGradients();
  }

  /** Whether {@code dy} is the constant 1 that {@link #backward(Variable)} starts from. */
  public boolean isUnit(Tensor dy) {
    return unit != null && dy.buffer().equals(unit.buffer());
  }

  /**
   * Opens a frame: on a tape that does not record, the values that operators make until it is
   * closed are given back then, but for those that were kept. On a recording tape a frame does
   * nothing.
   *
   * <pre>
   * try (var frame = x.tape().frame()) {
   *   return frame.keep(second.forward(first.forward(x)));
   * }
   * </pre>
   */
  public Frame frame() {
    return new Frame(frame);
  }

  /** Gives all that is still held back to the arena. */
  @Override
  public void close() {
    nodes.clear();
    temporaries.clear();
    holdings.keySet().forEach(DeviceBuffer::release);
    holdings.clear();
  }

  Tensor allocate(DType dtype, Shape shape) {
    Tensor tensor = Tensor.allocate(arena, dtype, shape);
    holdings.put(tensor.buffer(), new Holding());
    return tensor;
  }

  void addUser(Tensor tensor, boolean sameElements) {
    Holding holding = holdings.get(tensor.buffer());
    if (holding != null) {
      holding.users++;
      holding.sharesElements |= sameElements;
    }
  }

  /** Whether a user of {@code tensor} may write to it: nobody else has the same elements. */
  boolean isWritable(Tensor tensor) {
    Holding holding = holdings.get(tensor.buffer());
    return holding != null && (holding.users == 1 || !holding.sharesElements);
  }

  void release(Tensor tensor) {
    Holding holding = holdings.get(tensor.buffer());
    if (holding != null && --holding.users == 0) {
      holdings.remove(tensor.buffer());
      tensor.release();
    }
  }

  private void clearUnusedGradients() {
    List<ParameterStore> stores = new ArrayList<>();
    for (Parameter parameter : parameters.keySet()) {
      if (!stores.contains(parameter.store())) {
        stores.add(parameter.store());
      }
    }
    for (ParameterStore store : stores) {
      for (Parameter parameter : store.parameters()) {
        Variable variable = parameter(parameter);
        if (variable.requiresGradient() && variable.gradientOrNull() == null) {
          variable.addGradient(gradient -> backend.elementwise().fill(0f, gradient));
        }
      }
    }
  }

  /**
   * How many values and gradients lie in a buffer, and whether two of them have elements in common.
   */
  private static final class Holding {
    int users = 1;
    boolean sharesElements;

    /** All of the buffer, of which a part is to be filled yet. */
    @Nullable Tensor whole;
  }

  private record Node(Variable output, Backward backward, List<Tensor> temporaries) {}

  /**
   * A part of the forward pass of which only some values are needed afterwards, see {@link
   * Tape#frame}.
   */
  public final class Frame implements AutoCloseable {
    private final @Nullable Frame outer;
    private final List<Tensor> tensors = new ArrayList<>();
    private final List<Tensor> kept = new ArrayList<>();

    private Frame(@Nullable Frame outer) {
      this.outer = outer;
      if (!recording) {
        frame = this;
      }
    }

    /** {@code value}, which will outlive this frame and belong to the one around it. */
    public Variable keep(Variable value) {
      kept.add(value.value());
      return value;
    }

    @Override
    public void close() {
      if (recording) {
        return;
      }
      frame = outer;
      for (Tensor tensor : tensors) {
        if (kept.stream().noneMatch(keep -> keep.buffer().equals(tensor.buffer()))) {
          release(tensor);
        } else if (outer != null) {
          outer.tensors.add(tensor);
        }
      }
    }
  }
}
