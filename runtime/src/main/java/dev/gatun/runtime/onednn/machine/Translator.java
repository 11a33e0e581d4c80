package dev.gatun.runtime.onednn.machine;

import dev.gatun.runtime.onednn.machine.Frame.Edge;
import dev.gatun.runtime.onednn.machine.Frame.Flow;
import dev.gatun.runtime.onednn.machine.Instruction.Condition;
import dev.gatun.runtime.onednn.machine.Operand.Area;
import dev.gatun.runtime.onednn.machine.Operand.Immediate;
import dev.gatun.runtime.onednn.machine.Operand.Place;
import dev.gatun.runtime.onednn.machine.Operand.Register;
import dev.gatun.runtime.onednn.machine.Operand.Register.Kind;
import java.lang.classfile.CodeElement;
import java.lang.classfile.MethodModel;
import java.lang.classfile.Opcode;
import java.lang.classfile.TypeKind;
import java.lang.classfile.instruction.ArrayLoadInstruction;
import java.lang.classfile.instruction.ArrayStoreInstruction;
import java.lang.classfile.instruction.BranchInstruction;
import java.lang.classfile.instruction.ConstantInstruction;
import java.lang.classfile.instruction.ConvertInstruction;
import java.lang.classfile.instruction.FieldInstruction;
import java.lang.classfile.instruction.IncrementInstruction;
import java.lang.classfile.instruction.InvokeInstruction;
import java.lang.classfile.instruction.LabelTarget;
import java.lang.classfile.instruction.LoadInstruction;
import java.lang.classfile.instruction.NewPrimitiveArrayInstruction;
import java.lang.classfile.instruction.NopInstruction;
import java.lang.classfile.instruction.OperatorInstruction;
import java.lang.classfile.instruction.ReturnInstruction;
import java.lang.classfile.instruction.StackInstruction;
import java.lang.classfile.instruction.StoreInstruction;
import java.lang.classfile.instruction.TypeCheckInstruction;
import java.lang.constant.ClassDesc;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A kernel's bytecode, and that of all methods that it calls, as one list of instructions. The
 * operand stack and the variables are followed at translation: what is known then (the class's
 * constants, and with them the branches on dtypes and activations) leaves no instruction.
 *
 * <p>It does what the kernels do and throws {@link Unsupported} for what they do not. Indices are
 * not checked, as the kernels are given addresses anyway.
 */
final class Translator {
  private final KernelClasses classes;
  private final Steps steps;
  private final Arithmetic arithmetic;
  private final VectorCalls vectors;
  private Frame frame;
  private boolean reachable = true;

  /** Of {@code method}, into {@code steps}. */
  Translator(KernelClasses classes, MethodModel method, Steps steps) {
    this.classes = classes;
    this.steps = steps;
    arithmetic = new Arithmetic(steps);
    vectors = new VectorCalls(steps, arithmetic);
    frame = new Frame(null, method, new Flow(steps.newLabel()));
  }

  /** Translates the method with its receiver, if it has one, and its arguments. */
  void translate(List<Value> arguments) {
    translate(frame, arguments);
    bind(frame.end);
    if (!frame.stack.isEmpty()) {
      steps.add(Op.DSTORE, null, Place.at(Area.ARGUMENTS, 0), steps.register(frame.pop()));
    }
    steps.add(Op.RETURN, null);
  }

  /** Translates a method; what it returns goes along with the jumps to its end. */
  private void translate(Frame callee, List<Value> arguments) {
    frame = callee;
    int slot = 0;
    int receivers = arguments.size() - callee.parameters.size();
    for (int i = 0; i < arguments.size(); i++) {
      Value value = arguments.get(i);
      callee.parameter(slot);
      if (callee.changes(slot)) { // its value may be another argument's as well
        Register variable = callee.variable(slot, Steps.kind(value));
        steps.list.addAll(steps.assignment(variable, value));
      } else {
        callee.bound[slot] = value;
      }
      slot += i < receivers ? 1 : TypeKind.from(callee.parameters.get(i - receivers)).slotSize();
    }
    for (CodeElement element : callee.code) {
      translate(element);
    }
    if (callee.caller != null) {
      frame = callee.caller;
    }
  }

  private void translate(CodeElement element) {
    if (element instanceof LabelTarget target) {
      bind(flow(target.label()));
      return;
    }
    if (!reachable) {
      return;
    }
    switch (element) {
      case ConstantInstruction constant -> frame.push(constant(constant.constantValue()));
      case LoadInstruction load -> frame.push(frame.load(load.slot()));
      case StoreInstruction store -> store(store.slot(), frame.pop());
      case IncrementInstruction increment -> increment(increment);
      case OperatorInstruction operator -> operator(operator.opcode());
      case ConvertInstruction convert ->
          frame.push(arithmetic.converted(convert.opcode(), frame.pop()));
      case BranchInstruction branch -> branch(branch);
      case FieldInstruction field -> field(field);
      case InvokeInstruction call -> call(call);
      case ReturnInstruction end -> end(end);
      case ArrayLoadInstruction load -> load(load.typeKind());
      case ArrayStoreInstruction store -> store(store.typeKind());
      case NewPrimitiveArrayInstruction array -> array(array.typeKind());
      case StackInstruction stack -> stack(stack.opcode());
      case TypeCheckInstruction check when check.opcode() == Opcode.CHECKCAST -> {}
      case NopInstruction nop -> {}
      case java.lang.classfile.Instruction other -> throw new Unsupported(other.opcode().name());
      default -> {} // lines and names of variables
    }
  }

  private static Value constant(@Nullable Object value) {
    return value instanceof Number number ? new Value.Constant(number) : new Value.Thing(value);
  }

  // ---- variables

  private void store(int slot, Value value) {
    frame.bound[slot] = null;
    boolean object =
        value instanceof Value.Thing
            || value instanceof Value.Fields
            || value instanceof Value.Items;
    if (object) {
      frame.bound[slot] = value;
    } else if (!frame.changes(slot)) {
      frame.bound[slot] = frame.reads(value) ? new Value.Held(steps.copy(value)) : value;
    } else {
      Register variable = frame.variable(slot, Steps.kind(value));
      assign(variable, value);
    }
  }

  /** Writes a variable; what still waits for its old value gets a copy of that first. */
  private void assign(Register variable, Value value) {
    boolean awaited = protect(variable);
    Instruction last = steps.list.isEmpty() ? null : steps.list.getLast();
    if (!awaited
        && value instanceof Value.Held held
        && !held.register().variable
        && last != null
        && last.to == held.register()
        && !isReferenced(held.register())) {
      last.to = variable;
      return;
    }
    steps.list.addAll(steps.assignment(variable, value));
  }

  private boolean protect(Register variable) {
    boolean any = false;
    for (Frame f = frame; f != null; f = f.caller) {
      for (int i = 0; i < f.stack.size(); i++) {
        if (Value.reads(f.stack.get(i), variable)) {
          f.stack.set(i, new Value.Held(steps.copy(f.stack.get(i))));
          any = true;
        }
      }
    }
    return any;
  }

  private boolean isReferenced(Register register) {
    for (Frame f = frame; f != null; f = f.caller) {
      for (Value value : f.stack) {
        if (Value.reads(value, register)) {
          return true;
        }
      }
      for (Value value : f.bound) {
        if (value != null && Value.reads(value, register)) {
          return true;
        }
      }
    }
    return false;
  }

  private void increment(IncrementInstruction increment) {
    Register variable = frame.variable(increment.slot(), Kind.INTEGER);
    protect(variable);
    steps.add(Op.ADD, variable, variable, new Immediate(increment.constant()));
  }

  // ---- control

  private Flow flow(java.lang.classfile.Label label) {
    return frame.flows.computeIfAbsent(label, l -> new Flow(steps.newLabel()));
  }

  /** The moves before a jump to {@code flow}, which takes {@code stack} along. */
  private void edge(Flow flow, List<Value> stack) {
    if (flow.bound) {
      if (!stack.isEmpty()) {
        throw new Unsupported("a loop with a filled stack");
      }
      return;
    }
    Instruction moves = steps.add(Op.MOVES, null);
    flow.edges.add(new Edge(List.copyOf(stack), moves));
  }

  private void jump(Flow flow, List<Value> stack) {
    edge(flow, stack);
    steps.list.add(Instruction.label(Op.JUMP, flow.label));
    reachable = false;
  }

  private void bind(Flow flow) {
    if (reachable) {
      edge(flow, frame.stack);
    }
    flow.bound = true;
    List<Edge> edges = flow.edges;
    if (edges.isEmpty()) {
      return; // dead, or reached by jumps from dead code only
    }
    reachable = true;
    List<Value> stack = new ArrayList<>(edges.getFirst().stack());
    for (int i = 0; i < stack.size(); i++) {
      Value first = stack.get(i);
      int place = i;
      if (!edges.stream().allMatch(e -> e.stack().get(place).equals(first))) {
        Register merged = new Register(Steps.kind(first), false, null);
        for (Edge e : edges) {
          e.moves().moves.addAll(steps.assignment(merged, e.stack().get(i)));
        }
        stack.set(i, new Value.Held(merged));
      }
    }
    frame.stack.clear();
    frame.stack.addAll(stack);
    steps.list.add(Instruction.label(Op.LABEL, flow.label));
  }

  private void branch(BranchInstruction branch) {
    Flow target = flow(branch.target());
    switch (branch.opcode()) {
      case GOTO, GOTO_W -> jump(target, frame.stack);
      case IFEQ -> branch(Condition.EQ, target);
      case IFNE -> branch(Condition.NE, target);
      case IFLT -> branch(Condition.LT, target);
      case IFGE -> branch(Condition.GE, target);
      case IFGT -> branch(Condition.GT, target);
      case IFLE -> branch(Condition.LE, target);
      case IF_ICMPEQ -> compare(Condition.EQ, target);
      case IF_ICMPNE -> compare(Condition.NE, target);
      case IF_ICMPLT -> compare(Condition.LT, target);
      case IF_ICMPGE -> compare(Condition.GE, target);
      case IF_ICMPGT -> compare(Condition.GT, target);
      case IF_ICMPLE -> compare(Condition.LE, target);
      case IF_ACMPEQ -> same(true, frame.pop(), frame.pop(), target);
      case IF_ACMPNE -> same(false, frame.pop(), frame.pop(), target);
      case IFNULL -> same(true, frame.pop(), new Value.Thing(null), target);
      case IFNONNULL -> same(false, frame.pop(), new Value.Thing(null), target);
      default -> throw new Unsupported(branch.opcode().name());
    }
  }

  private void branch(Condition condition, Flow target) {
    Value value = frame.pop();
    if (value instanceof Value.Comparison c) {
      branch(condition, true, c.a(), c.b(), target);
    } else {
      branch(condition, false, value, new Value.Constant(0), target);
    }
  }

  private void compare(Condition condition, Flow target) {
    Value b = frame.pop();
    Value a = frame.pop();
    branch(condition, false, a, b, target);
  }

  private void branch(Condition condition, boolean wide, Value a, Value b, Flow target) {
    if (a instanceof Value.Constant x && b instanceof Value.Constant y) {
      int comparison = Long.compare(x.number().longValue(), y.number().longValue());
      if (condition.holds(comparison)) {
        jump(target, frame.stack);
      }
      return;
    }
    boolean turned = a instanceof Value.Constant;
    Register left = steps.register(turned ? b : a);
    Operand right = steps.operand(turned ? a : b);
    edge(target, frame.stack);
    Instruction instruction = steps.add(Op.BRANCH, null, left, right);
    instruction.number = target.label;
    instruction.wide = wide;
    instruction.condition = turned ? condition.mirrored() : condition;
  }

  private void same(boolean wanted, Value a, Value b, Flow target) {
    boolean same = a.equals(b);
    boolean known = a instanceof Value.Thing && b instanceof Value.Thing;
    boolean oneIsNull =
        a instanceof Value.Thing x && x.object() == null
            || b instanceof Value.Thing y && y.object() == null;
    if (!known && !oneIsNull) {
      throw new Unsupported("a comparison of " + a + " and " + b);
    }
    if (same == wanted) {
      jump(target, frame.stack);
    }
  }

  private void end(ReturnInstruction end) {
    List<Value> stack = new ArrayList<>(frame.caller == null ? List.of() : frame.caller.stack);
    if (end.typeKind() != TypeKind.VOID) {
      stack.add(frame.pop());
    }
    jump(frame.end, stack);
  }

  // ---- operators

  private void operator(Opcode opcode) {
    switch (opcode) {
      case ARRAYLENGTH -> frame.push(((Value.Items) frame.pop()).length());
      case INEG, LNEG, FNEG -> frame.push(arithmetic.unary(opcode, frame.pop()));
      default -> {
        Value b = frame.pop();
        Value a = frame.pop();
        frame.push(
            opcode == Opcode.LCMP ? new Value.Comparison(a, b) : arithmetic.binary(opcode, a, b));
      }
    }
  }

  private void stack(Opcode opcode) {
    List<Value> stack = frame.stack;
    int size = stack.size();
    switch (opcode) {
      case DUP -> frame.push(stack.getLast());
      case DUP2 -> {
        if (!(stack.get(size - 2) instanceof Value.Items)) {
          throw new Unsupported("dup2 of other than an array and an index");
        }
        stack.addAll(List.of(stack.get(size - 2), stack.get(size - 1)));
      }
      case POP -> frame.pop();
      default -> throw new Unsupported(opcode.name());
    }
  }

  private void load(TypeKind kind) {
    Value index = frame.pop();
    if (!(frame.pop() instanceof Value.Items items)) {
      throw new Unsupported("an element of an array that is not known");
    }
    Place place = steps.element(items, index, size(kind));
    switch (kind) {
      case INT, LONG -> {
        Register to = steps.integer();
        steps.add(Op.LOAD, to, place).number = size(kind);
        frame.push(new Value.Held(to));
      }
      case FLOAT -> frame.push(steps.vector(Op.SLOAD, place));
      case DOUBLE -> frame.push(steps.vector(Op.DLOAD, place));
      default -> throw new Unsupported("an array of " + kind);
    }
  }

  private void store(TypeKind kind) {
    Register value = steps.register(frame.pop());
    Value index = frame.pop();
    if (!(frame.pop() instanceof Value.Items items)) {
      throw new Unsupported("an element of an array that is not known");
    }
    Place place = steps.element(items, index, size(kind));
    switch (kind) {
      case INT, LONG -> steps.add(Op.STORE, null, place, value).number = size(kind);
      case FLOAT -> steps.add(Op.SSTORE, null, place, value);
      case DOUBLE -> steps.add(Op.DSTORE, null, place, value);
      default -> throw new Unsupported("an array of " + kind);
    }
  }

  static int size(TypeKind kind) {
    return switch (kind) {
      case INT, FLOAT -> 4;
      case LONG, DOUBLE -> 8;
      default -> throw new Unsupported("an array of " + kind);
    };
  }

  /**
   * An array of a known length, in the frame; not zeroed, as the kernels write before they read.
   */
  private void array(TypeKind kind) {
    if (!(frame.pop() instanceof Value.Constant length)) {
      throw new Unsupported("an array of a length that is not known");
    }
    Place place = Place.at(Area.FRAME, steps.frame);
    steps.frame += (length.number().longValue() * size(kind) + 63) / 64 * 64;
    frame.push(new Value.Items(place, length));
  }

  // ---- fields and calls

  private void field(FieldInstruction field) {
    String name = field.name().stringValue();
    switch (field.opcode()) {
      case GETSTATIC -> frame.push(classes.constant(field.owner(), name, steps.constants));
      case GETFIELD -> {
        Value value = frame.pop() instanceof Value.Fields fields ? fields.fields().get(name) : null;
        if (value == null) {
          throw new Unsupported("the field " + name);
        }
        frame.push(value);
      }
      default -> throw new Unsupported(field.opcode().name());
    }
  }

  private void call(InvokeInstruction call) {
    List<ClassDesc> types = call.typeSymbol().parameterList();
    int count = types.size() + (call.opcode() == Opcode.INVOKESTATIC ? 0 : 1);
    List<Value> arguments = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      arguments.addFirst(frame.pop());
    }
    Value known = vectors.call(call, arguments);
    if (known != null) {
      if (call.typeSymbol().returnType().descriptorString().equals("V")) {
        return;
      }
      frame.push(known);
      return;
    }
    Frame callee = new Frame(frame, classes.method(call), new Flow(steps.newLabel()));
    translate(callee, arguments);
    bind(callee.end);
  }
}
