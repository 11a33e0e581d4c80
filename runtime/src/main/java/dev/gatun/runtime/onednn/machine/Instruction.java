package dev.gatun.runtime.onednn.machine;

import dev.gatun.runtime.onednn.machine.Operand.Place;
import dev.gatun.runtime.onednn.machine.Operand.Register;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** One step of a kernel, on registers without numbers. */
final class Instruction {
  final Op op;
  @Nullable Register to;
  final @Nullable Operand a;
  final @Nullable Operand b;
  final @Nullable Operand c;

  /** Lanes that it is about. */
  @Nullable Register mask;

  /** A label, a distance, a size in bytes, a comparison. */
  int number;

  /** Of integers: 64 bits, not 32; the condition of a branch. */
  boolean wide;

  @Nullable Condition condition;

  /** Of {@link Op#MOVES}. */
  final List<Instruction> moves = new ArrayList<>();

  Instruction(
      Op op, @Nullable Register to, @Nullable Operand a, @Nullable Operand b, @Nullable Operand c) {
    this.op = op;
    this.to = to;
    this.a = a;
    this.b = b;
    this.c = c;
  }

  static Instruction label(Op op, int label) {
    Instruction instruction = new Instruction(op, null, null, null, null);
    instruction.number = label;
    return instruction;
  }

  /** Calls {@code each} with every register that is read. */
  void reads(Consumer<Register> each) {
    read(a, each);
    read(b, each);
    read(c, each);
    read(mask, each);
  }

  private static void read(@Nullable Operand operand, Consumer<Register> each) {
    switch (operand) {
      case Register register -> each.accept(register);
      case Place place -> {
        if (place.base() instanceof Register base) {
          each.accept(base);
        }
        if (place.index() != null) {
          each.accept(place.index());
        }
      }
      case null, default -> {}
    }
  }

  /** Of signed numbers, in the order of the Java virtual machine's branches. */
  enum Condition {
    EQ(0x4),
    NE(0x5),
    LT(0xC),
    GE(0xD),
    GT(0xF),
    LE(0xE);

    final int code;

    Condition(int code) {
      this.code = code;
    }

    boolean holds(int comparison) {
      return switch (this) {
        case EQ -> comparison == 0;
        case NE -> comparison != 0;
        case LT -> comparison < 0;
        case GE -> comparison >= 0;
        case GT -> comparison > 0;
        case LE -> comparison <= 0;
      };
    }

    /** The condition of (b, a) that holds where this one does of (a, b). */
    Condition mirrored() {
      return switch (this) {
        case EQ, NE -> this;
        case LT -> GT;
        case GE -> LE;
        case GT -> LT;
        case LE -> GE;
      };
    }
  }
}
