package dev.gatun.runtime.onednn.machine;

import dev.gatun.runtime.onednn.machine.Operand.Area;
import dev.gatun.runtime.onednn.machine.Operand.Base;
import dev.gatun.runtime.onednn.machine.Operand.Immediate;
import dev.gatun.runtime.onednn.machine.Operand.Place;
import dev.gatun.runtime.onednn.machine.Operand.Register;
import dev.gatun.runtime.onednn.machine.Operand.Register.Kind;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The instructions of a kernel as they are written, and values brought into registers. */
final class Steps {
  final List<Instruction> list = new ArrayList<>();
  final Constants constants;

  /** Bytes of the frame that arrays take. */
  long frame;

  private int labels;

  Steps(Constants constants) {
    this.constants = constants;
  }

  int newLabel() {
    return labels++;
  }

  Register integer() {
    return new Register(Kind.INTEGER, false, null);
  }

  Register vector() {
    return new Register(Kind.VECTOR, false, null);
  }

  Register mask() {
    return new Register(Kind.MASK, false, null);
  }

  Instruction add(Op op, @Nullable Register to, @Nullable Operand... operands) {
    Instruction instruction =
        new Instruction(
            op,
            to,
            operands.length > 0 ? operands[0] : null,
            operands.length > 1 ? operands[1] : null,
            operands.length > 2 ? operands[2] : null);
    list.add(instruction);
    return instruction;
  }

  /** The result of an instruction on vectors. */
  Value.Held vector(Op op, @Nullable Operand... operands) {
    Register to = vector();
    add(op, to, operands);
    return new Value.Held(to);
  }

  Value.Held integer(Op op, boolean wide, @Nullable Operand... operands) {
    Register to = integer();
    add(op, to, operands).wide = wide;
    return new Value.Held(to);
  }

  Value.Held mask(Op op, @Nullable Operand... operands) {
    Register to = mask();
    add(op, to, operands);
    return new Value.Held(to);
  }

  /** The value in a register: one that is there already or a new one. */
  Register register(Value value) {
    if (value instanceof Value.Held held) {
      return held.register();
    }
    return copy(value);
  }

  /** The value in a register of its own. */
  Register copy(Value value) {
    Register to = new Register(kind(value), false, null);
    list.addAll(assignment(to, value));
    return to;
  }

  static Kind kind(Value value) {
    return switch (value) {
      case Value.Held held -> held.register().kind;
      case Value.Constant c ->
          c.number() instanceof Float || c.number() instanceof Double ? Kind.VECTOR : Kind.INTEGER;
      case Value.Sum sum -> Kind.INTEGER;
      case Value.Splat splat -> Kind.VECTOR;
      default -> throw new Unsupported("a register for " + value);
    };
  }

  /** The instructions that bring {@code value} to {@code to}. */
  List<Instruction> assignment(Register to, Value value) {
    return List.of(
        switch (value) {
          case Value.Held held ->
              new Instruction(
                  switch (to.kind) {
                    case INTEGER -> Op.MOVE;
                    case VECTOR -> Op.VMOVE;
                    case MASK -> Op.KMOVE;
                  },
                  to,
                  held.register(),
                  null,
                  null);
          case Value.Sum sum -> new Instruction(Op.ADDRESS, to, sum.place(), null, null);
          case Value.Splat splat when splat.bits() == 0 ->
              new Instruction(Op.VZERO, to, null, null, null);
          case Value.Splat splat ->
              new Instruction(Op.VBROADCAST, to, constants.place(splat.bits()), null, null);
          case Value.Constant c ->
              switch (c.number()) {
                case Float f ->
                    new Instruction(
                        Op.SLOAD, to, constants.place(Float.floatToRawIntBits(f)), null, null);
                case Double d ->
                    new Instruction(
                        Op.DLOAD, to, constants.place(Double.doubleToRawLongBits(d)), null, null);
                case Number n ->
                    new Instruction(Op.MOVE, to, new Immediate(n.longValue()), null, null);
              };
          default -> throw new Unsupported("an assignment of " + value);
        });
  }

  /** An integer as an operand: a small constant or a register. */
  Operand operand(Value value) {
    return value instanceof Value.Constant c
            && (int) c.number().longValue() == c.number().longValue()
        ? new Immediate(c.number().longValue())
        : register(value);
  }

  /** A vector as the last operand of an instruction. */
  Operand vectorOperand(Value value) {
    return value instanceof Value.Splat splat && splat.bits() != 0
        ? new Operand.Splat(splat.bits())
        : register(value);
  }

  /** The place that a long is the address of. */
  Place place(Value address) {
    return switch (address) {
      case Value.Sum sum -> sum.place();
      case Value.Held held -> Place.at(held.register(), 0);
      case Value.Constant c -> Place.at(null, c.number().longValue());
      default -> throw new Unsupported("an address: " + address);
    };
  }

  /** The sum of two longs. */
  Value sum(Value a, Value b) {
    if (a instanceof Value.Constant x && b instanceof Value.Constant y) {
      return new Value.Constant(x.number().longValue() + y.number().longValue());
    }
    Place p = place(a);
    Place q = place(b);
    if (fits(p.displacement() + q.displacement())) {
      if (!together(p, q)) {
        if (registers(p) > 1 || p.base() instanceof Area) {
          p = Place.at(register(new Value.Sum(p)), 0);
        }
        if (registers(q) > 1 || q.base() instanceof Area) {
          q = Place.at(register(new Value.Sum(q)), 0);
        }
      }
      if (!together(p, q)) { // two with a scale
        q = Place.at(register(new Value.Sum(q)), 0);
      }
      return new Value.Sum(join(p, q));
    }
    return integer(Op.ADD, true, register(a), register(b));
  }

  private static boolean fits(long displacement) {
    return (int) displacement == displacement;
  }

  private static int registers(Place p) {
    return (p.base() == null ? 0 : 1) + (p.index() == null ? 0 : 1);
  }

  private static boolean scaled(Place p) {
    return p.index() != null && p.scale() > 1;
  }

  /** Whether the sum of two places is a place. */
  private static boolean together(Place p, Place q) {
    if (registers(p) + registers(q) > 2 || scaled(p) && scaled(q)) {
      return false;
    }
    boolean area = p.base() instanceof Area || q.base() instanceof Area;
    boolean relative =
        p.base() == Area.CONSTANTS
            || p.base() == Area.ZEROS
            || q.base() == Area.CONSTANTS
            || q.base() == Area.ZEROS;
    if (relative) { // to the next instruction: nothing can be added
      return registers(p) + registers(q) == 1;
    }
    return !(area && p.base() instanceof Area && q.base() instanceof Area);
  }

  private static Place join(Place p, Place q) {
    long displacement = p.displacement() + q.displacement();
    if (registers(q) == 0) {
      return new Place(p.base(), p.index(), p.scale(), displacement);
    }
    if (registers(p) == 0) {
      return new Place(q.base(), q.index(), q.scale(), displacement);
    }
    boolean turned = scaled(p) || q.base() instanceof Area;
    Place first = turned ? q : p;
    Place second = turned ? p : q;
    Base base = first.base() != null ? first.base() : first.index();
    if (second.index() != null) {
      return new Place(base, second.index(), second.scale(), displacement);
    }
    if (second.base() instanceof Register index) {
      return new Place(base, index, 1, displacement);
    }
    throw new Unsupported("the sum of " + p + " and " + q);
  }

  /** The place of element {@code index} of {@code size} bytes. */
  Place element(Value.Items items, Value index, int size) {
    if (index instanceof Value.Constant c) {
      return items.place().plus(c.number().longValue() * size);
    }
    Register wide = integer();
    add(Op.WIDEN, wide, register(index));
    Value offset = new Value.Sum(new Place(null, wide, size, 0));
    return place(sum(new Value.Sum(items.place()), offset));
  }
}
