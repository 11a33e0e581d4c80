package dev.gatun.runtime.onednn.machine;

import dev.gatun.runtime.onednn.machine.Operand.Area;
import dev.gatun.runtime.onednn.machine.Operand.Place;
import dev.gatun.runtime.onednn.machine.Operand.Register;
import dev.gatun.runtime.onednn.machine.Operand.Register.Kind;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Compiles kernels on the Vector API to functions for processors with AVX-512 (F, BW, DQ and VL),
 * when Gatun is built: bytecode ({@link Translator}), instructions on unlimited registers, the
 * processor's ({@link Allocation}), bytes ({@link Encoder}). A function gives the bits that the
 * Vector API gives, save for what NaN carry.
 *
 * <p>It is called with one pointer, to 8 bytes for its result and 8 for each argument: a record is
 * its components one after the other, an array its address and its length.
 */
public final class KernelCompiler {

  /** In the place of an argument's known value: null. */
  public static final Object ABSENT = new Object();

  private final List<Value> arguments = new ArrayList<>();
  private final Steps steps = new Steps(new Constants());
  private int slot = 1;

  private KernelCompiler() {}

  /**
   * A function.
   *
   * @param bytes of the code and its constants
   * @param zeros where zeros are asked for
   */
  public record Function(byte[] bytes, List<Zeros> zeros) {}

  /**
   * Four bytes of code that are to be the distance to {@code offset} in the zeros.
   *
   * @param at their place
   * @param from the place that the distance is from
   */
  public record Zeros(int at, int from, int offset) {}

  /**
   * Compiles one method.
   *
   * @param method of a template: static, or one that does not use its object
   * @param copy of its class, whose constants hold
   * @param known for each parameter what it is at any time: of Rows, whether they are BFLOAT16, of
   *     an enum its constant, {@link #ABSENT} for null; otherwise null
   * @throws IllegalArgumentException if the method does what no instruction is known for
   */
  public static Function compile(Method method, Class<?> copy, List<@Nullable Object> known) {
    try {
      return new KernelCompiler().function(method, copy, known);
    } catch (Unsupported e) {
      throw new IllegalArgumentException(
          "compiling " + method + " " + known + ": no instructions for " + e.getMessage(), e);
    }
  }

  private Function function(Method method, Class<?> copy, List<@Nullable Object> known) {
    if (!Modifier.isStatic(method.getModifiers())) {
      arguments.add(new Value.Thing(this));
    }
    Class<?>[] types = method.getParameterTypes();
    for (int i = 0; i < types.length; i++) {
      arguments.add(argument(types[i], known.get(i)));
    }
    KernelClasses classes = new KernelClasses(method.getDeclaringClass(), copy);
    new Translator(classes, classes.method(method), steps).translate(arguments);
    List<Instruction> code = new ArrayList<>();
    for (Instruction instruction : steps.list) {
      if (instruction.op == Op.MOVES) {
        code.addAll(instruction.moves);
      } else {
        code.add(instruction);
      }
    }
    long frame = Allocation.allocate(code, steps.frame);
    return Encoder.encode(code, steps.constants, frame);
  }

  private Value argument(Class<?> type, @Nullable Object known) {
    if (type.isRecord()) {
      Map<String, Value> fields = new LinkedHashMap<>();
      for (RecordComponent component : type.getRecordComponents()) {
        Value value = argument(component.getType(), null);
        boolean low = component.getType() == boolean.class && known instanceof Boolean;
        fields.put(
            component.getName(),
            low ? new Value.Constant(Boolean.TRUE.equals(known) ? 1 : 0) : value);
      }
      return ABSENT.equals(known) ? new Value.Thing(null) : new Value.Fields(fields);
    }
    if (type.isArray()) {
      Register address = load(Kind.INTEGER, Op.LOAD, 8);
      return new Value.Items(Place.at(address, 0), new Value.Held(load(Kind.INTEGER, Op.LOAD, 4)));
    }
    if (type.isPrimitive()) {
      return new Value.Held(
          type == float.class
              ? load(Kind.VECTOR, Op.SLOAD, 4)
              : load(Kind.INTEGER, Op.LOAD, type == long.class ? 8 : 4));
    }
    slot++;
    return new Value.Thing(known);
  }

  private Register load(Kind kind, Op op, int size) {
    Place home = Place.at(Area.ARGUMENTS, 8L * slot++);
    Register register = new Register(kind, false, home);
    steps.add(op, register, home).number = size;
    return register;
  }
}
