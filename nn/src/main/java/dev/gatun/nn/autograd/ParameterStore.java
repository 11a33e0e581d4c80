package dev.gatun.nn.autograd;

import dev.gatun.runtime.memory.DeviceArena;
import dev.gatun.runtime.op.Backend;
import dev.gatun.runtime.op.ConstantScope;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The memory of a network's parameters: one flat FLOAT32 range of trained values, one of their
 * gradients, one of statistics.
 *
 * <p>Each parameter starts at a multiple of 64 bytes; the gaps are zero and stay so. The optimizer,
 * gradient clipping and moving averages work on whole ranges.
 *
 * <p>A fourth range may hold what BFLOAT16 keeps of the trained values, for the layers to multiply
 * with: see {@link #keepRounded}. So that it is never of other values than these, the values are
 * handed out for reading alone; {@link #change} and {@link #update} write both.
 */
public final class ParameterStore implements AutoCloseable {

  private static final int ALIGNMENT = 16; // elements: 64 bytes

  private final Backend backend;
  private final DeviceArena arena;
  private final List<Parameter> parameters;
  private final Map<String, Parameter> byName = new HashMap<>();
  private final Tensor values;
  private final Tensor statistics;
  private final Tensor one;
  private @Nullable Tensor gradients;
  private @Nullable Tensor rounded; // of the values
  private boolean updatedWithoutCopy;
  private Source source;

  private ParameterStore(Backend backend, Scope scope, long seed) {
    this.backend = backend;
    this.parameters = List.copyOf(scope.declared());
    long valueCount = 0;
    long statisticCount = 0;
    for (int i = 0; i < parameters.size(); i++) {
      Parameter parameter = parameters.get(i);
      parameter.bind(this, i, parameter.isTrainable() ? valueCount : statisticCount);
      byName.put(parameter.name(), parameter);
      long size = Math.ceilDiv(parameter.shape().elements(), ALIGNMENT) * ALIGNMENT;
      if (parameter.isTrainable()) {
        valueCount += size;
      } else {
        statisticCount += size;
      }
    }
    this.arena = new DeviceArena(backend.memory(), "parameters");
    this.values = flat(valueCount);
    this.statistics = flat(statisticCount);
    this.one = Tensor.allocate(arena, DType.FLOAT32, Shape.of(1));
    backend.elementwise().fill(1f, one);
    this.source = new Source(values, null);
    try (Arena shared = Arena.ofShared()) { // several threads fill it
      MemorySegment host = shared.allocate(Initialization.PART * Float.BYTES, 64);
      for (Parameter parameter : parameters) {
        Tensor memory = part(parameter, parameter.isTrainable() ? values : statistics);
        parameter.setValue(parameter.isTrainable() ? memory.readOnly() : memory, null);
        initialize(parameter, seed, memory, host);
      }
    }
  }

  /** Where layers read trained numbers: a range, and what BFLOAT16 keeps of it. */
  private record Source(Tensor range, @Nullable Tensor rounded) {}

  /**
   * Gives every parameter that was declared under the root of {@code scope} memory on {@code
   * backend} and its initial values, which are a function of {@code seed}.
   */
  public static ParameterStore allocate(Backend backend, Scope scope, long seed) {
    return new ParameterStore(backend, scope, seed);
  }

  public Backend backend() {
    return backend;
  }

  /**
   * Where state that lives as long as the parameters (moments, averages) is allocated; closed with
   * this.
   */
  public DeviceArena arena() {
    return arena;
  }

  /** All parameters in the order of declaration. */
  public List<Parameter> parameters() {
    return parameters;
  }

  /** The parameter with this name. */
  public Parameter parameter(String name) {
    Parameter parameter = byName.get(name);
    if (parameter == null) {
      throw new IllegalArgumentException(
          "parameter " + name + ": the network has none of that name");
    }
    return parameter;
  }

  /** How many numbers are trained: PyTorch's {@code sum(p.numel() for p in parameters())}. */
  public long trainedElements() {
    return parameters.stream()
        .filter(Parameter::isTrainable)
        .mapToLong(p -> p.shape().elements())
        .sum();
  }

  /** The trained values, FLOAT32 [n], {@linkplain Tensor#readOnly to read}. */
  public Tensor values() {
    return values.readOnly();
  }

  /** Lets {@code writer} write the trained values, FLOAT32 [n]; then renews their rounded copy. */
  public void change(Consumer<Tensor> writer) {
    requireNoSnapshot();
    try {
      writer.accept(values);
    } finally {
      if (rounded != null) {
        backend.elementwise().copy(values, rounded);
      }
    }
  }

  /** A step of an optimizer. */
  @FunctionalInterface
  public interface Update {
    /**
     * Writes the trained values and, where it is not null, their copy: {@code rounded} = {@code
     * values}, BFLOAT16 [n].
     */
    void write(Tensor values, @Nullable Tensor rounded);
  }

  /** Lets an optimizer write the trained values and their rounded copy, both by one kernel. */
  public void update(Update step) {
    requireNoSnapshot();
    updatedWithoutCopy |= rounded == null;
    step.write(values, rounded);
  }

  private void requireNoSnapshot() {
    if (source.rounded() != null && !source.rounded().equals(rounded)) {
      throw new IllegalStateException(
          "parameters: they are changed while layers read a rounded copy of what they were; close"
              + " the substitution first");
    }
  }

  /**
   * From now on keeps what BFLOAT16 keeps of the trained values, rounded to nearest even: BFLOAT16
   * [n], parallel to them, which convolutions and matrix products of BFLOAT16 activations read.
   * Where there is none the backend converts a weight each time that it is used, to the same bits.
   * Biases and normalizations read the FLOAT32 values.
   *
   * @throws IllegalStateException after an optimizer's update without the copy, which a captured
   *     step may repeat, and while other numbers {@linkplain #substitute take the place} of the
   *     values
   */
  public void keepRounded() {
    if (rounded != null) {
      return;
    }
    if (updatedWithoutCopy || !source.range().equals(values)) {
      throw new IllegalStateException(
          "parameters: expected keepRounded before the first update and outside substitutions: "
              + (updatedWithoutCopy
                  ? "an optimizer has updated them without the copy, and a captured step may do it"
                      + " again; load them into a new network"
                  : "other numbers take their place now; close the substitution first"));
    }
    rounded = allocateRounded(arena);
    backend.elementwise().copy(values, rounded);
    read(new Source(values, rounded));
  }

  /** A new BFLOAT16 [n], parallel to the values, in {@code memory}, with undefined content. */
  public Tensor allocateRounded(DeviceArena memory) {
    return Tensor.allocate(memory, DType.BFLOAT16, values.shape());
  }

  /**
   * The gradients, parallel to {@link #values}; allocated, as zeros, when they are first asked for.
   */
  public Tensor gradients() {
    if (gradients == null) {
      gradients = allocateRange();
    }
    return gradients;
  }

  /** The statistics and counters, FLOAT32. */
  public Tensor statistics() {
    return statistics;
  }

  /** The constant 1, FLOAT32 [1]. */
  public Tensor one() {
    return one;
  }

  /** A new range of zeros parallel to {@link #values}, for moments and averages. */
  public Tensor allocateRange() {
    return flat(values.elements());
  }

  /**
   * The part of {@code range}, which is parallel to the parameter's own, that belongs to {@code
   * parameter}.
   */
  public Tensor part(Parameter parameter, Tensor range) {
    return range.range(parameter.offset(), parameter.shape());
  }

  /**
   * Makes every trained parameter read its numbers from {@code range} instead, until the result is
   * closed: sampling with averaged weights. For steps that are recorded meanwhile, not for captured
   * ones.
   */
  public Substitution substitute(Tensor range) {
    if (range.elements() != values.elements() || range.dtype() != DType.FLOAT32) {
      throw new IllegalArgumentException(
          "substitute: expected a range like " + values + ", got " + range);
    }
    return new Substitution(new Source(range, null));
  }

  /**
   * Rounds the trained numbers that layers read now to {@code copy}, of {@link #allocateRounded},
   * and makes layers read them there, as {@link #keepRounded} says, until the result is closed: for
   * steps between which the numbers stay as they are.
   */
  public Substitution substituteRounded(Tensor copy) {
    if (copy.elements() != values.elements() || copy.dtype() != DType.BFLOAT16) {
      throw new IllegalArgumentException(
          "substituteRounded: expected BFLOAT16" + values.shape() + ", got " + copy);
    }
    backend.elementwise().copy(source.range(), copy);
    return new Substitution(new Source(source.range(), copy));
  }

  /**
   * Says that the trained numbers, where layers read them now, stay as they are until the result is
   * closed, see {@link Backend#constant}.
   */
  public ConstantScope constant() {
    Tensor copy = source.rounded();
    return backend.constant(copy == null ? source.range() : copy);
  }

  /** Frees all ranges, and what else was allocated in {@link #arena}. */
  @Override
  public void close() {
    backend.synchronize();
    arena.close();
  }

  Tensor gradientOf(Parameter parameter) {
    if (!parameter.isTrainable()) {
      throw new IllegalStateException(
          "parameter " + parameter + " is not trained and has no gradient");
    }
    return part(parameter, gradients());
  }

  private Tensor flat(long elements) {
    Tensor range =
        Tensor.allocate(arena, DType.FLOAT32, Shape.of(Math.toIntExact(Math.max(elements, 1))));
    backend.elementwise().fill(0f, range);
    return range;
  }

  private void initialize(Parameter parameter, long seed, Tensor memory, MemorySegment host) {
    Initialization initialization = parameter.initialization();
    if (initialization.bound() == 0) {
      backend.elementwise().fill(initialization.center(), memory);
      return;
    }
    long elements = parameter.shape().elements();
    for (long first = 0; first < elements; first += Initialization.PART) {
      int count = (int) Math.min(elements - first, Initialization.PART);
      initialization.fill(seed, parameter.index(), first, count, host);
      backend.upload(host, memory.range(first, Shape.of(count)));
    }
  }

  private void read(Source next) {
    source = next;
    Tensor copy = next.rounded();
    for (Parameter parameter : parameters) {
      if (parameter.isTrainable()) {
        parameter.setValue(
            part(parameter, next.range()).readOnly(),
            copy == null ? null : part(parameter, copy).readOnly());
      }
    }
  }

  /** Other numbers in the place of the trained ones, see {@link ParameterStore#substitute}. */
  public final class Substitution implements AutoCloseable {
    private final Source before = source;

    private Substitution(Source numbers) {
      read(numbers);
    }

    /** Back to the numbers that were read before. */
    @Override
    public void close() {
      read(before);
    }
  }
}
