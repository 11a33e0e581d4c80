package dev.gatun.runtime.onednn.machine;

import dev.gatun.runtime.onednn.machine.Operand.Place;
import dev.gatun.runtime.onednn.machine.Operand.Register;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What the {@link Translator} knows of a value on the operand stack or in a local variable. */
sealed interface Value {

  /** An Integer, Long, Float or Double. */
  record Constant(Number number) implements Value {}

  /** Known at run time only. */
  record Held(Register register) implements Value {}

  /** A long: the address of a place, not computed yet. */
  record Sum(Place place) implements Value {}

  /** A vector of equal lanes. */
  record Splat(int bits) implements Value {}

  /** An object that only steers the translation: an enum's constant, a species, null. */
  record Thing(@Nullable Object object) implements Value {}

  /** A record. */
  record Fields(Map<String, Value> fields) implements Value {}

  /** An array. */
  record Items(Place place, Value length) implements Value {}

  /** The comparison of two longs, for the branch that follows. */
  record Comparison(Value a, Value b) implements Value {}

  static boolean reads(Value value, Register register) {
    return switch (value) {
      case Held held -> held.register == register;
      case Sum sum -> sum.place.reads(register);
      case Items items -> items.place.reads(register) || reads(items.length, register);
      case Comparison c -> reads(c.a, register) || reads(c.b, register);
      case Fields fields -> fields.fields.values().stream().anyMatch(v -> reads(v, register));
      case Constant c -> false;
      case Splat s -> false;
      case Thing t -> false;
    };
  }
}
