package dev.gatun.runtime.onednn.machine;

import dev.gatun.runtime.onednn.machine.Operand.Register;
import dev.gatun.runtime.onednn.machine.Operand.Register.Kind;
import java.lang.classfile.CodeElement;
import java.lang.classfile.Label;
import java.lang.classfile.MethodModel;
import java.lang.classfile.attribute.CodeAttribute;
import java.lang.classfile.instruction.IncrementInstruction;
import java.lang.classfile.instruction.StoreInstruction;
import java.lang.constant.ClassDesc;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A method while it is translated: its variables, its operand stack, its labels. */
final class Frame {

  /** A label and the jumps to it so far. */
  static final class Flow {
    final int label;
    boolean bound;
    final List<Edge> edges = new ArrayList<>();

    Flow(int label) {
      this.label = label;
    }
  }

  /**
   * A jump: the stack that it takes along, and where the moves go that bring it to the registers in
   * which the label expects it.
   */
  record Edge(List<Value> stack, Instruction moves) {}

  final @Nullable Frame caller;
  final List<ClassDesc> parameters;
  final List<CodeElement> code;
  final List<Value> stack = new ArrayList<>();
  final Map<Label, Flow> flows = new HashMap<>();
  final Flow end;

  /** What variables hold that are written once, and those that hold objects. */
  final @Nullable Value[] bound;

  private final int[] writes;
  private final Map<Kind, @Nullable Register[]> variables = new HashMap<>();
  private final @Nullable Register[] last;

  Frame(@Nullable Frame caller, MethodModel method, Flow end) {
    this.caller = caller;
    this.end = end;
    parameters = method.methodTypeSymbol().parameterList();
    var attribute = (CodeAttribute) method.code().orElseThrow();
    code = attribute.elementList();
    int slots = attribute.maxLocals();
    bound = new Value[slots];
    last = new Register[slots];
    writes = new int[slots];
    for (CodeElement element : code) {
      if (element instanceof StoreInstruction store) {
        writes[store.slot()]++;
      } else if (element instanceof IncrementInstruction increment) {
        writes[increment.slot()] += 2;
      }
    }
  }

  void parameter(int slot) {
    if (writes[slot] > 0) {
      writes[slot]++;
    }
  }

  /** Whether variable {@code slot} is written more than once. */
  boolean changes(int slot) {
    return writes[slot] > 1;
  }

  Register variable(int slot, Kind kind) {
    @Nullable Register[] all = variables.computeIfAbsent(kind, k -> new Register[bound.length]);
    Register known = all[slot];
    if (known == null) {
      known = new Register(kind, true, null);
      all[slot] = known;
    }
    last[slot] = known;
    return known;
  }

  /** What variable {@code slot} holds. */
  Value load(int slot) {
    Value value = bound[slot];
    if (value != null) {
      return value;
    }
    Register register = last[slot];
    if (register == null) {
      throw new Unsupported("variable " + slot + " before it is written");
    }
    return new Value.Held(register);
  }

  /** Whether the value is read from a variable of this frame. */
  boolean reads(Value value) {
    return variables.values().stream()
        .flatMap(Arrays::stream)
        .anyMatch(register -> register != null && Value.reads(value, register));
  }

  void push(Value value) {
    stack.add(value);
  }

  Value pop() {
    return stack.removeLast();
  }
}
