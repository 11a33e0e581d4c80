package dev.gatun.runtime.onednn.machine;

import org.jspecify.annotations.Nullable;

/** What an {@link Instruction} reads. */
sealed interface Operand {

  /** A number of an instruction. */
  record Immediate(long value) implements Operand {}

  /** The same 32 bits in all lanes. */
  record Splat(int bits) implements Operand {}

  /**
   * The memory at base + index * scale + displacement.
   *
   * @param scale 1, 2, 4 or 8
   */
  record Place(@Nullable Base base, @Nullable Register index, int scale, long displacement)
      implements Operand {

    static Place at(@Nullable Base base, long displacement) {
      return new Place(base, null, 1, displacement);
    }

    Place plus(long more) {
      return new Place(base, index, scale, displacement + more);
    }

    boolean reads(Register register) {
      return base == register || index == register;
    }
  }

  /** Where a {@link Place} begins. */
  sealed interface Base permits Register, Area {}

  /** Memory that every kernel has. */
  enum Area implements Base {
    /** The arguments: 8 bytes for each, after 8 for the result. */
    ARGUMENTS,
    /** Its own part of the stack. */
    FRAME,
    /** Its constants, next to its code. */
    CONSTANTS,
    /** Zero bytes that all kernels share. */
    ZEROS
  }

  /**
   * A register without a number yet: see {@link Allocation}. One of a variable of the kernel is
   * written several times, all others once, or once on each way to the place where they are read.
   */
  final class Register implements Operand, Base {

    /** What it can hold; int and long, and the scalars and vectors, share registers. */
    enum Kind {
      INTEGER,
      VECTOR,
      MASK
    }

    final Kind kind;
    final boolean variable;

    /** Where its value is found at any time: an argument's. */
    final @Nullable Place home;

    /** The number of the processor's register, or -1 where it lives on the stack. */
    int number = -1;

    Place spilled = Place.at(Area.FRAME, 0);

    Register(Kind kind, boolean variable, @Nullable Place home) {
      this.kind = kind;
      this.variable = variable;
      this.home = home;
    }

    boolean isSpilled() {
      return number < 0;
    }
  }
}
