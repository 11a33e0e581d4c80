package dev.gatun.runtime.onednn.machine;

import dev.gatun.runtime.onednn.machine.Operand.Area;
import dev.gatun.runtime.onednn.machine.Operand.Place;
import dev.gatun.runtime.onednn.machine.Operand.Register;
import java.lang.classfile.Opcode;
import java.lang.classfile.instruction.InvokeInstruction;
import java.util.List;
import java.util.Map;
import java.util.Set;
import jdk.incubator.vector.VectorOperators;
import org.jspecify.annotations.Nullable;

/**
 * The methods of the Vector API, on vectors of 512 bits, and of {@code Memory} and {@code Math},
 * that the kernels call, each with the bits that Java promises; and {@code Lanes.dot}.
 */
final class VectorCalls {

  private static final String VECTORS = "jdk/incubator/vector/";

  // false for NaN, as numbers of vcmpps
  private static final Map<Object, Integer> FLOAT_COMPARISONS =
      Map.of(
          VectorOperators.EQ, 0,
          VectorOperators.LT, 1,
          VectorOperators.LE, 2,
          VectorOperators.GE, 13,
          VectorOperators.GT, 14);

  // of vpcmpd
  private static final Map<Object, Integer> INT_COMPARISONS =
      Map.of(
          VectorOperators.EQ, 0,
          VectorOperators.LT, 1,
          VectorOperators.LE, 2,
          VectorOperators.GE, 5,
          VectorOperators.GT, 6);

  private static final int UNORDERED = 3;

  private static final Map<Object, Op> SHIFTS =
      Map.of(VectorOperators.LSHL, Op.VSHL, VectorOperators.LSHR, Op.VSHR);

  /** What loads have done already and stores will do: a vector always has 16 lanes of 32 bits. */
  private static final Set<Object> ON_THE_WAY =
      Set.of(
          VectorOperators.ZERO_EXTEND_S2I,
          VectorOperators.ZERO_EXTEND_B2I,
          VectorOperators.I2S,
          VectorOperators.I2B);

  // vrangeps: minimum and maximum by value, the sign that of the result
  private static final int RANGE_MIN = 4;
  private static final int RANGE_MAX = 5;

  private final Steps steps;
  private final Arithmetic arithmetic;

  VectorCalls(Steps steps, Arithmetic arithmetic) {
    this.steps = steps;
    this.arithmetic = arithmetic;
  }

  /** The result of a call, null where it is not one of these; of a void method anything. */
  @Nullable Value call(InvokeInstruction call, List<Value> arguments) {
    String owner = call.owner().asInternalName();
    String name = call.name().stringValue();
    if (owner.equals("java/lang/Math")) {
      return math(name, call.typeSymbol().returnType().descriptorString(), arguments);
    }
    if (owner.endsWith("/kernel/Memory")) {
      return memory(name, arguments);
    }
    if (owner.endsWith("/kernel/Lanes") && name.equals("dot")) {
      return dot(arguments.get(0), arguments.get(1), arguments.get(2));
    }
    if (!owner.startsWith(VECTORS)) {
      return null;
    }
    String type = owner.substring(VECTORS.length());
    String last = call.type().stringValue();
    return call.opcode() == Opcode.INVOKESTATIC
        ? made(type, name, arguments)
        : done(type, name, last.contains("F)") || last.contains("(F"), arguments);
  }

  private Value math(String name, String result, List<Value> arguments) {
    Value a = arguments.getFirst();
    Value b = arguments.getLast();
    boolean wide = result.equals("J");
    if (name.equals("min") && (wide || result.equals("I"))) {
      return arithmetic.extreme(Op.MIN, wide, a, b);
    }
    if (name.equals("max") && (wide || result.equals("I"))) {
      return arithmetic.extreme(Op.MAX, wide, a, b);
    }
    if (name.equals("max") && result.equals("F")) {
      return extreme(RANGE_MAX, steps.register(a), steps.register(b));
    }
    throw new Unsupported("Math." + name + " to " + result);
  }

  private Value memory(String name, List<Value> arguments) {
    Place place = steps.place(arguments.getFirst());
    switch (name) {
      case "getFloat" -> {
        return steps.vector(Op.SLOAD, place);
      }
      case "putFloat" -> {
        steps.add(Op.SSTORE, null, place, steps.register(arguments.getLast()));
        return new Value.Thing(null);
      }
      default -> throw new Unsupported("Memory." + name);
    }
  }

  // ---- static methods: a species, and where from

  private Value made(String type, String name, List<Value> arguments) {
    return switch (name) {
      case "zero" -> new Value.Splat(0);
      case "broadcast" -> splat(arguments.get(1), type.equals("FloatVector"));
      case "fromArray" -> {
        Place place =
            steps.element(
                (Value.Items) arguments.get(1),
                arguments.get(2),
                type.equals("DoubleVector") ? 8 : 4);
        yield load(Op.VLOAD, place, arguments, 3);
      }
      case "fromMemorySegment" ->
          load(
              switch (type) {
                case "FloatVector" -> Op.VLOAD;
                case "ShortVector" -> Op.VLOAD_W;
                case "ByteVector" -> Op.VLOAD_B;
                default -> throw new Unsupported(type + "." + name);
              },
              steps.place(arguments.get(2)),
              arguments,
              4);
      default -> throw new Unsupported(type + "." + name);
    };
  }

  private Value load(Op op, Place place, List<Value> arguments, int mask) {
    Register to = steps.vector();
    Instruction load = steps.add(op, to, place);
    if (arguments.size() > mask) {
      load.mask = steps.register(arguments.get(mask));
    }
    return new Value.Held(to);
  }

  /** A scalar in all lanes. */
  private Value splat(Value scalar, boolean floats) {
    if (scalar instanceof Value.Constant c) {
      return new Value.Splat(
          floats ? Float.floatToRawIntBits(c.number().floatValue()) : c.number().intValue());
    }
    Register register = steps.register(scalar);
    if (!floats) {
      return steps.vector(Op.VBROADCAST_I, register);
    }
    Instruction last = steps.list.getLast();
    boolean fresh = last.op == Op.SLOAD && last.to == register;
    return steps.vector(Op.VBROADCAST, fresh ? last.a : register);
  }

  // ---- methods of a vector

  private Value done(String type, String name, boolean scalar, List<Value> arguments) {
    Value self = arguments.getFirst();
    boolean floats = type.equals("FloatVector");
    Value second = arguments.size() > 1 ? arguments.get(1) : self;
    return switch (name) {
      case "add" -> {
        Op op =
            switch (type) {
              case "FloatVector" -> Op.VADD;
              case "DoubleVector" -> Op.VADD_D;
              default -> Op.VADD_I;
            };
        Value b = type.equals("DoubleVector") ? second : vector(second, floats, scalar);
        yield arguments.size() > 2
            ? masked(op, self, b, arguments.get(2))
            : commutative(op, self, b);
      }
      case "mul" -> commutative(Op.VMUL, self, vector(second, true, scalar));
      case "sub" -> binary(Op.VSUB, self, vector(second, true, scalar));
      case "div" -> binary(Op.VDIV, self, vector(second, true, scalar));
      case "and" -> commutative(Op.VAND, self, vector(second, false, false));
      case "or" ->
          type.equals("VectorMask")
              ? steps.mask(Op.KOR, steps.register(self), steps.register(second))
              : commutative(Op.VOR, self, vector(second, false, false));
      case "not" -> steps.mask(Op.KNOT, steps.register(self));
      case "max" -> extreme(RANGE_MAX, Op.VMAX, self, vector(second, true, scalar));
      case "min" -> extreme(RANGE_MIN, Op.VMIN, self, vector(second, true, scalar));
      case "fma" -> fma(self, second, arguments.get(2));
      case "neg" -> commutative(Op.VXOR, self, new Value.Splat(0x80000000));
      case "abs" -> commutative(Op.VAND, self, new Value.Splat(0x7FFFFFFF));
      case "sqrt" -> steps.vector(Op.VSQRT, steps.register(self));
      case "lanewise" -> shift(self, second, (Value.Constant) arguments.get(2));
      case "compare" -> compare(floats, self, second, arguments.get(2), scalar);
      case "test" -> {
        Register x = steps.register(self);
        yield comparison(Op.VCMP, UNORDERED, x, x);
      }
      case "blend" ->
          steps.vector(
              Op.VBLEND,
              steps.register(self),
              steps.vectorOperand(vector(second, floats, scalar)),
              steps.register(arguments.get(2)));
      case "reinterpretAsInts", "reinterpretAsFloats", "cast" -> self;
      case "convertShape" -> converted(self, second, arguments.get(3));
      case "rearrange" -> rotated(self, second);
      case "lane" -> lane(self, second);
      case "reduceLanes" -> largest(self, arguments.size() > 2 ? arguments.get(2) : null);
      case "intoMemorySegment" -> store(type, self, steps.place(arguments.get(2)), arguments, 4);
      case "intoArray" -> {
        int size = type.equals("DoubleVector") ? 8 : 4;
        Place place = steps.element((Value.Items) second, arguments.get(2), size);
        yield store("FloatVector", self, place, arguments, 3);
      }
      case "indexInRange" -> steps.mask(Op.KFIRST, steps.register(arguments.get(2)));
      default -> throw new Unsupported(type + "." + name);
    };
  }

  private Value vector(Value value, boolean floats, boolean scalar) {
    boolean number =
        scalar
            || value instanceof Value.Constant
            || value instanceof Value.Held held && held.register().kind == Register.Kind.INTEGER;
    return number ? splat(value, floats) : value;
  }

  private Value binary(Op op, Value a, Value b) {
    return steps.vector(op, steps.register(a), steps.vectorOperand(b));
  }

  private Value commutative(Op op, Value a, Value b) {
    return a instanceof Value.Splat ? binary(op, b, a) : binary(op, a, b);
  }

  private Value masked(Op op, Value a, Value b, Value mask) {
    Register x = steps.register(a);
    Register to = steps.vector();
    steps.add(op, to, x, steps.vectorOperand(b), x).mask = steps.register(mask);
    return new Value.Held(to);
  }

  private Value fma(Value a, Value b, Value c) {
    boolean turned = a instanceof Value.Splat;
    Value first = turned ? b : a;
    Value second = turned ? a : b;
    // one operand can be a constant in memory
    Operand factor =
        c instanceof Value.Splat ? steps.register(second) : steps.vectorOperand(second);
    return steps.vector(Op.VFMA, steps.register(first), factor, steps.vectorOperand(c));
  }

  private Value dot(Value sum, Value a, Value b) {
    return steps.vector(Op.VDOT, steps.register(a), steps.vectorOperand(b), steps.register(sum));
  }

  /** Against a number other than zero and NaN the processor's own, with NaN as the one it gives. */
  private Value extreme(int range, Op op, Value a, Value b) {
    if (b instanceof Value.Splat splat && (splat.bits() << 1) != 0) {
      return steps.vector(op, steps.register(b), steps.register(a));
    }
    return extreme(range, steps.register(a), steps.register(b));
  }

  /** With the zeros told apart, and NaN where one of both is. */
  private Value extreme(int range, Register a, Register b) {
    Register ordered = steps.vector();
    steps.add(Op.VRANGE, ordered, a, b).number = range;
    Value nan = comparison(Op.VCMP, UNORDERED, a, b);
    Register to = steps.vector();
    steps.add(Op.VADD, to, a, b, ordered).mask = steps.register(nan);
    return new Value.Held(to);
  }

  private Value shift(Value self, Value operator, Value.Constant by) {
    Op op = SHIFTS.get(operatorOf(operator));
    if (op == null) {
      throw new Unsupported("lanewise " + operator);
    }
    Register to = steps.vector();
    steps.add(op, to, steps.register(self)).number = by.number().intValue();
    return new Value.Held(to);
  }

  private static Object operatorOf(Value value) {
    if (value instanceof Value.Thing thing && thing.object() != null) {
      return thing.object();
    }
    throw new Unsupported("an operator that is not known");
  }

  private Value compare(boolean floats, Value self, Value operator, Value other, boolean scalar) {
    Integer number = (floats ? FLOAT_COMPARISONS : INT_COMPARISONS).get(operatorOf(operator));
    if (number == null) {
      throw new Unsupported("compare " + operator);
    }
    return comparison(
        floats ? Op.VCMP : Op.VCMP_I,
        number,
        steps.register(self),
        steps.vectorOperand(vector(other, floats, scalar)));
  }

  private Value comparison(Op op, int number, Register a, Operand b) {
    Register to = steps.mask();
    steps.add(op, to, a, b).number = number;
    return new Value.Held(to);
  }

  private Value converted(Value self, Value operator, Value part) {
    Object conversion = operatorOf(operator);
    if (conversion.equals(VectorOperators.F2D)) {
      Register to = steps.vector();
      steps.add(Op.VTO_DOUBLES, to, steps.register(self)).number =
          ((Value.Constant) part).number().intValue();
      return new Value.Held(to);
    }
    if (!ON_THE_WAY.contains(conversion)) {
      throw new Unsupported("convertShape " + conversion);
    }
    return self;
  }

  private Value rotated(Value self, Value shuffle) {
    int[] places = ((jdk.incubator.vector.VectorShuffle<?>) operatorOf(shuffle)).toArray();
    for (int i = 0; i < places.length; i++) {
      if (places[i] != (places[0] + i) % places.length) {
        throw new Unsupported("a shuffle that is not a rotation");
      }
    }
    return rotation(steps.register(self), places[0]);
  }

  private Value.Held rotation(Register x, int by) {
    Register to = steps.vector();
    steps.add(Op.VROTATE, to, x).number = by;
    return new Value.Held(to);
  }

  private Value lane(Value self, Value number) {
    if (number instanceof Value.Constant c && c.number().intValue() == 0) {
      return self;
    }
    Place place = Place.at(Area.FRAME, steps.frame);
    steps.frame += 64;
    steps.add(Op.VSTORE, null, place, steps.register(self));
    return steps.vector(
        Op.SLOAD, steps.element(new Value.Items(place, new Value.Constant(16)), number, 4));
  }

  /** The largest lane, in all of them; lanes outside of the mask do not count. */
  private Value largest(Value self, @Nullable Value mask) {
    Register x = steps.register(self);
    if (mask != null) {
      Register lowest =
          steps.register(new Value.Splat(Float.floatToRawIntBits(Float.NEGATIVE_INFINITY)));
      x = steps.vector(Op.VBLEND, lowest, x, steps.register(mask)).register();
    }
    for (int by = 8; by > 0; by /= 2) {
      x = steps.register(extreme(RANGE_MAX, x, rotation(x, by).register()));
    }
    return new Value.Held(x);
  }

  private Value store(String type, Value self, Place place, List<Value> arguments, int mask) {
    Op op =
        switch (type) {
          case "FloatVector" -> Op.VSTORE;
          case "ShortVector" -> Op.VSTORE_W;
          case "ByteVector" -> Op.VSTORE_B;
          default -> throw new Unsupported(type + ".store");
        };
    Instruction store = steps.add(op, null, place, steps.register(self));
    if (arguments.size() > mask) {
      store.mask = steps.register(arguments.get(mask));
    }
    return new Value.Thing(null);
  }
}
