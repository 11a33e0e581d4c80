package dev.gatun.nn.autograd;

import dev.gatun.runtime.tensor.Shape;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * A place in the tree of parameter names, handed to the constructors of layers: {@code new
 * Conv2d(scope.child("conv1"), ...)} declares {@code conv1.weight} and {@code conv1.bias}. {@link
 * ParameterStore#allocate} gives what was declared memory.
 */
public final class Scope {

  private final String prefix;
  private final Declarations declarations;

  private Scope(String prefix, Declarations declarations) {
    this.prefix = prefix;
    this.declarations = declarations;
  }

  /** The scope of a whole network, without a name. */
  public static Scope root() {
    return new Scope("", new Declarations());
  }

  /** The scope {@code name} in this one. */
  public Scope child(String name) {
    return new Scope(prefix + name + ".", declarations);
  }

  /** The scope of element {@code index} of a list or a sequence in this one. */
  public Scope child(int index) {
    return child(Integer.toString(index));
  }

  /** Declares a trained parameter. */
  public Parameter parameter(String name, Shape shape, Initialization initialization) {
    return declare(new Parameter(prefix + name, shape, Parameter.Role.TRAINED, initialization));
  }

  /** Declares numbers that the forward pass changes, PyTorch's buffers. */
  public Parameter statistic(String name, Shape shape, Initialization initialization) {
    return declare(new Parameter(prefix + name, shape, Parameter.Role.STATISTIC, initialization));
  }

  /** Declares a counter, which starts at 0. */
  public Parameter counter(String name) {
    return declare(
        new Parameter(
            prefix + name, Shape.of(1), Parameter.Role.COUNTER, Initialization.constant(0)));
  }

  /**
   * A purpose of random numbers that no other layer of the network has: {@link Randomness#DROPOUT}
   * + 0, 1, ...
   */
  public int dropoutPurpose() {
    return Randomness.DROPOUT + declarations.dropouts++;
  }

  /** What was declared so far in the whole network, in order. */
  public List<Parameter> declared() {
    return Collections.unmodifiableList(declarations.parameters);
  }

  private Parameter declare(Parameter parameter) {
    if (!declarations.names.add(parameter.name())) {
      throw new IllegalArgumentException(
          "parameter " + parameter.name() + " is declared twice; give each layer its own scope");
    }
    declarations.parameters.add(parameter);
    return parameter;
  }

  private static final class Declarations {
    final List<Parameter> parameters = new ArrayList<>();
    final Set<String> names = new HashSet<>();
    int dropouts;
  }

  @Override
  public String toString() {
    return prefix.isEmpty() ? "root scope" : "scope " + prefix.substring(0, prefix.length() - 1);
  }
}
