package dev.gatun.runtime.onednn.machine;

import dev.gatun.runtime.onednn.machine.Operand.Immediate;
import dev.gatun.runtime.onednn.machine.Operand.Place;
import java.lang.classfile.Opcode;

/** The Java virtual machine's operators on numbers, done at once where both are known. */
final class Arithmetic {
  private final Steps steps;

  Arithmetic(Steps steps) {
    this.steps = steps;
  }

  /** a op b. */
  Value binary(Opcode opcode, Value a, Value b) {
    return switch (opcode) {
      case IADD -> integers(Op.ADD, a, b);
      case ISUB -> integers(Op.SUB, a, b);
      case IMUL -> integers(Op.MUL, a, b);
      case IAND -> integers(Op.AND, a, b);
      case IOR -> integers(Op.OR, a, b);
      case ISHL -> integers(Op.SHL, a, b);
      case ISHR -> integers(Op.SAR, a, b);
      case IUSHR -> integers(Op.SHR, a, b);
      case IDIV -> integers(Op.DIV, a, b);
      case IREM -> integers(Op.REM, a, b);
      case LADD -> steps.sum(a, b);
      case LSUB ->
          b instanceof Value.Constant c
              ? steps.sum(a, new Value.Constant(-c.number().longValue()))
              : longs(Op.SUB, a, b);
      case LMUL -> product(a, b);
      case LDIV -> longs(Op.DIV, a, b);
      case LREM -> longs(Op.REM, a, b);
      case LAND -> longs(Op.AND, a, b);
      case FADD -> floats(Op.SADD, a, b);
      case FSUB -> floats(Op.SSUB, a, b);
      case FMUL -> floats(Op.SMUL, a, b);
      case FDIV -> floats(Op.SDIV, a, b);
      case DADD -> steps.vector(Op.DADD, steps.register(a), steps.register(b));
      case DSUB -> steps.vector(Op.DSUB, steps.register(a), steps.register(b));
      case DMUL -> steps.vector(Op.DMUL, steps.register(a), steps.register(b));
      case DDIV -> steps.vector(Op.DDIV, steps.register(a), steps.register(b));
      default -> throw new Unsupported(opcode.name());
    };
  }

  private Value floats(Op op, Value a, Value b) {
    if (a instanceof Value.Constant x && b instanceof Value.Constant y) {
      float p = x.number().floatValue();
      float q = y.number().floatValue();
      return new Value.Constant(
          switch (op) {
            case SADD -> p + q;
            case SSUB -> p - q;
            case SMUL -> p * q;
            default -> p / q;
          });
    }
    return steps.vector(op, steps.register(a), steps.register(b));
  }

  private Value integers(Op op, Value a, Value b) {
    if (a instanceof Value.Constant x && b instanceof Value.Constant y) {
      return new Value.Constant((int) known(op, x.number().intValue(), y.number().intValue(), 31));
    }
    return steps.integer(op, false, steps.register(a), steps.operand(b));
  }

  private Value longs(Op op, Value a, Value b) {
    if (a instanceof Value.Constant x && b instanceof Value.Constant y) {
      return new Value.Constant(known(op, x.number().longValue(), y.number().longValue(), 63));
    }
    return steps.integer(op, true, steps.register(a), steps.operand(b));
  }

  /** On sign-extended numbers. */
  static long known(Op op, long a, long b, int most) {
    return switch (op) {
      case ADD -> a + b;
      case SUB -> a - b;
      case MUL -> a * b;
      case AND -> a & b;
      case OR -> a | b;
      case SHL -> a << (b & most);
      case SAR -> a >> (b & most);
      case DIV -> a / b;
      case REM -> a % b;
      case MIN -> Math.min(a, b);
      case MAX -> Math.max(a, b);
      case SHR -> most == 31 ? (int) a >>> b : a >>> b;
      default -> throw new Unsupported(op.name());
    };
  }

  private Value product(Value a, Value b) {
    if (a instanceof Value.Constant x && !(b instanceof Value.Constant)) {
      return product(b, x);
    }
    if (!(b instanceof Value.Constant c)) {
      return longs(Op.MUL, a, b);
    }
    long factor = c.number().longValue();
    if (a instanceof Value.Constant) {
      return longs(Op.MUL, a, b);
    }
    if (factor == 1) {
      return a;
    }
    if (factor == 2 || factor == 4 || factor == 8) {
      return new Value.Sum(new Place(null, steps.register(a), (int) factor, 0));
    }
    if (Long.bitCount(factor) == 1) {
      return steps.integer(
          Op.SHL, true, steps.register(a), new Immediate(Long.numberOfTrailingZeros(factor)));
    }
    return longs(Op.MUL, a, b);
  }

  /** The smaller or the larger of two. */
  Value extreme(Op op, boolean wide, Value a, Value b) {
    if (a instanceof Value.Constant && b instanceof Value.Constant) {
      return wide ? longs(op, a, b) : integers(op, a, b);
    }
    return steps.integer(op, wide, steps.register(a), steps.register(b));
  }

  Value unary(Opcode opcode, Value a) {
    return switch (opcode) {
      case INEG -> negated(a, false);
      case LNEG -> negated(a, true);
      case FNEG ->
          a instanceof Value.Constant c
              ? new Value.Constant(-c.number().floatValue())
              : steps.vector(Op.VXOR, steps.register(a), new Operand.Splat(0x80000000));
      default -> throw new Unsupported(opcode.name());
    };
  }

  private Value negated(Value a, boolean wide) {
    if (a instanceof Value.Constant c) {
      return wide
          ? new Value.Constant(-c.number().longValue())
          : new Value.Constant(-c.number().intValue());
    }
    return steps.integer(Op.NEG, wide, steps.register(a));
  }

  Value converted(Opcode opcode, Value a) {
    if (a instanceof Value.Constant c) {
      Number n = c.number();
      return new Value.Constant(
          switch (opcode) {
            case I2L, F2L, D2L -> (Number) n.longValue();
            case L2I, F2I, D2I -> n.intValue();
            case I2F, L2F, D2F -> n.floatValue();
            case I2D, L2D, F2D -> n.doubleValue();
            default -> throw new Unsupported(opcode.name());
          });
    }
    return switch (opcode) {
      case I2L -> steps.integer(Op.WIDEN, true, steps.register(a));
      case L2I -> steps.integer(Op.MOVE, false, steps.register(a));
      case I2F -> steps.vector(Op.I_TO_S, steps.register(a));
      case F2D -> steps.vector(Op.S_TO_D, steps.register(a));
      case D2F -> steps.vector(Op.D_TO_S, steps.register(a));
      default -> throw new Unsupported(opcode.name());
    };
  }
}
