package dev.gatun.runtime.onednn.machine;

import static dev.gatun.runtime.onednn.machine.Assembler.RAX;
import static dev.gatun.runtime.onednn.machine.Assembler.RBP;
import static dev.gatun.runtime.onednn.machine.Assembler.RBX;
import static dev.gatun.runtime.onednn.machine.Assembler.RCX;
import static dev.gatun.runtime.onednn.machine.Assembler.RDI;
import static dev.gatun.runtime.onednn.machine.Assembler.RDX;
import static dev.gatun.runtime.onednn.machine.Assembler.RSP;

import dev.gatun.runtime.onednn.machine.Assembler.Address;
import dev.gatun.runtime.onednn.machine.Assembler.Form;
import dev.gatun.runtime.onednn.machine.Instruction.Condition;
import dev.gatun.runtime.onednn.machine.Operand.Area;
import dev.gatun.runtime.onednn.machine.Operand.Immediate;
import dev.gatun.runtime.onednn.machine.Operand.Place;
import dev.gatun.runtime.onednn.machine.Operand.Register;
import dev.gatun.runtime.onednn.machine.Operand.Register.Kind;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Instructions with numbered registers as bytes: a function of System V's calling convention for
 * AMD64 that gets the address of its arguments in rdi. Of rax, rcx, rdx and the vectors 30 and 31,
 * which are given to nobody, it makes what an instruction needs beside its operands.
 */
final class Encoder {
  private static final int SCRATCH = 30;
  private static final int SCRATCH_2 = 31;
  private static final int[] SAVED = {RBX, RBP, 12, 13, 14, 15};

  private final Assembler out = new Assembler();
  private final Constants constants;
  private final long frame;

  private Encoder(Constants constants, long frame) {
    this.constants = constants;
    this.frame = (frame + 63) / 64 * 64;
  }

  static KernelCompiler.Function encode(List<Instruction> code, Constants constants, long frame) {
    Encoder encoder = new Encoder(constants, frame);
    encoder.begin();
    for (int i = 0; i < code.size(); i++) {
      Instruction instruction = code.get(i);
      Instruction next = i + 1 < code.size() ? code.get(i + 1) : null;
      boolean falls =
          instruction.op == Op.JUMP
              && next != null
              && next.op == Op.LABEL
              && next.number == instruction.number;
      if (!falls) {
        encoder.encode(instruction);
      }
    }
    return new KernelCompiler.Function(
        encoder.out.finish(constants.toByteArray()), encoder.out.zeros());
  }

  private void begin() {
    for (int register : SAVED) {
      push(0x50, register);
    }
    if (frame > 0) {
      out.integer(true, 0x89, RSP, RAX); // mov rax, rsp
      add(RSP, -(frame + 64));
      out.integer(true, 0x83, 4, RSP); // and rsp, -64
      out.put(-64);
      out.integer(true, 0x89, RAX, new Address(RSP, Assembler.NONE, 1, (int) frame), 0);
    }
  }

  private void end() {
    if (frame > 0) {
      out.integer(true, 0x8B, RSP, new Address(RSP, Assembler.NONE, 1, (int) frame), 0);
    }
    for (int i = SAVED.length - 1; i >= 0; i--) {
      push(0x58, SAVED[i]);
    }
    out.put(0xC5, 0xF8, 0x77, 0xC3); // vzeroupper, ret
  }

  private void push(int opcode, int register) {
    if (register >= 8) {
      out.put(0x41);
    }
    out.put(opcode | register & 7);
  }

  private void add(int register, long value) {
    out.integer(true, 0x81, 0, register);
    out.put32((int) value);
  }

  private void encode(Instruction i) {
    switch (i.op) {
      case LABEL -> out.label(i.number);
      case JUMP -> out.jump(i.number);
      case RETURN -> end();
      case BRANCH -> branch(i);
      case MOVE, ADD, SUB, MUL, AND, OR, SHL, SHR, SAR, NEG, WIDEN, ADDRESS, LOAD, MIN, MAX ->
          integer(i);
      case DIV, REM -> divide(i);
      case STORE -> {
        int value = integer(i.b, RCX);
        out.integer(i.number == 8, 0x89, value, address(i.a), 0);
      }
      case KFIRST, KMOVE, KOR, KNOT -> mask(i);
      default -> vector(i);
    }
  }

  // ---- operands

  private static Register to(Instruction i) {
    return Objects.requireNonNull(i.to);
  }

  /** An integer in a register, {@code scratch} where it lives on the stack. */
  private int integer(@Nullable Operand operand, int scratch) {
    switch (operand) {
      case Register register when register.isSpilled() -> {
        out.integer(true, 0x8B, scratch, address(register.spilled), 0);
        return scratch;
      }
      case Register register -> {
        return register.number;
      }
      case Immediate immediate -> {
        set(scratch, immediate.value());
        return scratch;
      }
      case null, default -> throw new Unsupported("an integer from " + operand);
    }
  }

  private void set(int register, long value) {
    if (value == 0) {
      out.integer(false, 0x33, register, register);
    } else if ((int) value == value) {
      out.integer(true, 0xC7, 0, register);
      out.put32((int) value);
    } else {
      out.put(register >= 8 ? 0x49 : 0x48, 0xB8 | register & 7);
      out.put64(value);
    }
  }

  private Address address(@Nullable Operand operand) {
    if (!(operand instanceof Place place)) {
      throw new Unsupported("a place: " + operand);
    }
    int base =
        switch (place.base()) {
          case null -> Assembler.NONE;
          case Area area ->
              switch (area) {
                case ARGUMENTS -> RDI;
                case FRAME -> RSP;
                case CONSTANTS -> Assembler.CODE;
                case ZEROS -> Assembler.ZEROS;
              };
          case Register register -> integer(register, RAX);
        };
    int index = place.index() == null ? Assembler.NONE : integer(place.index(), RDX);
    if ((int) place.displacement() != place.displacement()) {
      throw new Unsupported("a displacement of " + place.displacement());
    }
    return new Address(base, index, place.scale(), (int) place.displacement());
  }

  /** A vector in a register, {@code scratch} where it lives on the stack or is a constant. */
  private int vector(@Nullable Operand operand, int scratch) {
    switch (operand) {
      case Register register when register.isSpilled() -> {
        out.evex(Form.VECTOR, 0, 1, 0, 0x10, scratch, 0, address(register.spilled), 0);
        return scratch;
      }
      case Register register -> {
        return register.number;
      }
      case Operand.Splat splat -> {
        broadcast(scratch, address(constants.place(splat.bits())));
        return scratch;
      }
      case null, default -> throw new Unsupported("a vector from " + operand);
    }
  }

  private void broadcast(int to, Address address) {
    out.evex(Form.SINGLE, 1, 2, 0, 0x18, to, 0, address, 0);
  }

  /** An instruction whose last operand may lie in memory. */
  private void evex(
      Form form,
      int prefix,
      int map,
      int w,
      int opcode,
      int reg,
      int vvvv,
      @Nullable Operand last,
      int behind) {
    switch (last) {
      case Register r when r.isSpilled() ->
          out.evex(form, prefix, map, w, opcode, reg, vvvv, address(r.spilled), behind);
      case Register r -> out.evex(form, prefix, map, w, opcode, reg, vvvv, r.number);
      case Operand.Splat splat ->
          out.evex(
              form.broadcasting(),
              prefix,
              map,
              w,
              opcode,
              reg,
              vvvv,
              address(constants.place(splat.bits())),
              behind);
      case null, default -> throw new Unsupported("a vector from " + last);
    }
  }

  // ---- integers

  private void branch(Instruction i) {
    int a = integer(i.a, RAX);
    switch (i.b) {
      case Immediate immediate when immediate.value() == 0 -> out.integer(i.wide, 0x85, a, a);
      case Immediate immediate -> {
        out.integer(i.wide, 0x81, 7, a);
        out.put32((int) immediate.value());
      }
      case null, default -> out.integer(i.wide, 0x3B, a, integer(i.b, RCX));
    }
    out.jumpIf(Objects.requireNonNull(i.condition).code, i.number);
  }

  private void integer(Instruction i) {
    Register to = to(i);
    if (i.op == Op.LOAD && to.isSpilled() && to.home != null) {
      return; // it is read from there
    }
    int d = to.isSpilled() ? RAX : to.number;
    switch (i.op) {
      case MOVE -> {
        if (i.a instanceof Immediate immediate) {
          set(d, immediate.value());
        } else {
          move(d, integer(i.a, RAX));
        }
      }
      case WIDEN -> out.integer(true, 0x63, d, integer(i.a, RAX));
      case ADDRESS -> out.integer(true, 0x8D, d, address(i.a), 0);
      case LOAD -> out.integer(i.number == 8, 0x8B, d, address(i.a), 0);
      case NEG -> {
        move(d, integer(i.a, RAX));
        out.integer(i.wide, 0xF7, 3, d);
      }
      case SHL, SHR, SAR -> {
        move(d, integer(i.a, RAX));
        out.integer(i.wide, 0xC1, i.op == Op.SHL ? 4 : i.op == Op.SHR ? 5 : 7, d);
        out.put((int) ((Immediate) Objects.requireNonNull(i.b)).value());
      }
      case MIN, MAX -> {
        int a = integer(i.a, RAX);
        int b = integer(i.b, RCX);
        move(RDX, a);
        out.integer(i.wide, 0x3B, b, RDX); // cmp b, rdx
        Condition condition = i.op == Op.MIN ? Condition.LT : Condition.GT;
        out.integer(i.wide, 0x0F40 | condition.code, RDX, b); // cmov
        move(d, RDX);
      }
      default -> twoOperands(i, d);
    }
    if (to.isSpilled()) {
      out.integer(true, 0x89, d, address(to.spilled), 0);
    }
  }

  private void move(int to, int from) {
    if (to != from) {
      out.integer(true, 0x8B, to, from);
    }
  }

  private void twoOperands(Instruction i, int d) {
    if (i.b instanceof Immediate immediate) {
      if (i.op == Op.MUL) {
        out.integer(i.wide, 0x69, d, integer(i.a, RAX));
        out.put32((int) immediate.value());
        return;
      }
      move(d, integer(i.a, RAX));
      out.integer(i.wide, 0x81, digit(i.op), d);
      out.put32((int) immediate.value());
      return;
    }
    int b = integer(i.b, RCX);
    int target = d == b ? RAX : d; // b is still to be read
    move(target, integer(i.a, RAX));
    if (i.op == Op.MUL) {
      out.integer(i.wide, 0x0FAF, target, b);
    } else {
      out.integer(i.wide, digit(i.op) << 3 | 3, target, b);
    }
    move(d, target);
  }

  /** Of the instructions with an immediate number. */
  private static int digit(Op op) {
    return switch (op) {
      case ADD -> 0;
      case OR -> 1;
      case AND -> 4;
      case SUB -> 5;
      default -> throw new Unsupported(op.name());
    };
  }

  private void divide(Instruction i) {
    int b = integer(i.b, RCX);
    move(RAX, integer(i.a, RAX));
    out.put(i.wide ? 0x48 : 0x40, 0x99); // cqo, cdq
    out.integer(i.wide, 0xF7, 7, b);
    int result = i.op == Op.DIV ? RAX : RDX;
    Register to = to(i);
    if (to.isSpilled()) {
      out.integer(true, 0x89, result, address(to.spilled), 0);
    } else {
      move(to.number, result);
    }
  }

  // ---- masks

  private static int mask(@Nullable Operand operand) {
    if (operand instanceof Register register && !register.isSpilled()) {
      return register.number;
    }
    throw new Unsupported("more masks than there are registers");
  }

  private void mask(Instruction i) {
    int to = mask(i.to);
    switch (i.op) {
      case KFIRST -> {
        int count = integer(i.a, RCX);
        set(RAX, -1);
        out.vex(2, 0, 0, 0xF5, RAX, count, RAX); // bzhi
        out.vex(1, 0, 0, 0x92, to, 0, RAX); // kmovw
      }
      case KMOVE -> out.vex(1, 0, 0, 0x90, to, 0, mask(i.a));
      case KNOT -> out.vex(1, 0, 0, 0x44, to, 0, mask(i.a));
      default -> out.vex(1, 0, 1, 0x45, to, mask(i.a), mask(i.b));
    }
  }

  // ---- vectors

  private void vector(Instruction i) {
    if (i.to != null && i.to.kind == Kind.MASK) {
      int a = vector(i.a, SCRATCH);
      evex(Form.VECTOR, i.op.prefix, i.op.map, i.op.w, i.op.code, mask(i.to), a, i.b, 1);
      out.put(i.number);
      return;
    }
    if (i.to == null) {
      store(i);
      return;
    }
    int d = i.to.isSpilled() ? SCRATCH : i.to.number;
    result(i, d);
    if (i.to.isSpilled()) {
      out.evex(Form.VECTOR, 0, 1, 0, 0x11, d, 0, address(i.to.spilled), 0);
    }
  }

  private Form under(Instruction i, Form form, boolean zeroing) {
    return i.mask == null ? form : form.under(mask(i.mask), zeroing);
  }

  private void store(Instruction i) {
    int value = vector(i.b, SCRATCH);
    Address address = address(i.a);
    switch (i.op) {
      case VSTORE -> out.evex(under(i, Form.VECTOR, false), 0, 1, 0, 0x11, value, 0, address, 0);
      case VSTORE_W, VSTORE_B -> {
        boolean words = i.op == Op.VSTORE_W;
        int opcode = words ? 0x33 : 0x31; // vpmovdw, vpmovdb
        Form form = words ? Form.HALF : Form.QUARTER;
        if (i.mask != null) {
          out.evex(under(i, form, false), 2, 2, 0, opcode, value, 0, address, 0);
        } else {
          out.evex(form, 2, 2, 0, opcode, value, 0, SCRATCH_2);
          Form narrow = new Form(words ? 1 : 0, 0, false, false, form.unit());
          out.evex(narrow, 0, 1, 0, 0x11, SCRATCH_2, 0, address, 0);
        }
      }
      case SSTORE -> out.evex(Form.FLOAT, 2, 1, 0, 0x11, value, 0, address, 0);
      case DSTORE -> out.evex(Form.DOUBLE, 3, 1, 1, 0x11, value, 0, address, 0);
      default -> throw new Unsupported(i.op.name());
    }
  }

  private void result(Instruction i, int d) {
    switch (i.op) {
      case VMOVE -> move(d, i.a);
      case VZERO -> out.evex(Form.VECTOR, 1, 1, 0, 0xEF, d, d, d);
      case VLOAD -> out.evex(under(i, Form.VECTOR, true), 0, 1, 0, 0x10, d, 0, address(i.a), 0);
      case VLOAD_W -> out.evex(under(i, Form.HALF, true), 1, 2, 0, 0x33, d, 0, address(i.a), 0);
      case VLOAD_B -> out.evex(under(i, Form.QUARTER, true), 1, 2, 0, 0x31, d, 0, address(i.a), 0);
      case VBROADCAST -> {
        if (i.a instanceof Place place) {
          broadcast(d, address(place));
        } else {
          out.evex(Form.VECTOR, 1, 2, 0, 0x18, d, 0, vector(i.a, SCRATCH));
        }
      }
      case VBROADCAST_I -> out.evex(Form.VECTOR, 1, 2, 0, 0x7C, d, 0, integer(i.a, RAX));
      case VFMA -> fma(i, d);
      case VDOT -> dot(i, d);
      case VBLEND -> {
        int a = vector(i.a, SCRATCH);
        evex(Form.VECTOR.under(mask(i.c), false), 1, 2, 0, 0x65, d, a, i.b, 0);
      }
      case VROTATE -> {
        int a = vector(i.a, SCRATCH);
        out.evex(Form.VECTOR, 1, 3, 0, 0x03, d, a, a); // valignd
        out.put(i.number);
      }
      case VTO_DOUBLES -> {
        int a = vector(i.a, SCRATCH);
        if (i.number == 1) {
          out.evex(Form.VECTOR, 1, 3, 1, 0x1B, a, 0, SCRATCH_2); // vextractf64x4
          out.put(1);
          a = SCRATCH_2;
        }
        out.evex(Form.VECTOR, 0, 1, 0, 0x5A, d, 0, a);
      }
      case VSHL, VSHR -> {
        int a = vector(i.a, SCRATCH);
        out.evex(Form.VECTOR, 1, 1, 0, 0x72, i.op == Op.VSHL ? 6 : 2, d, a);
        out.put(i.number);
      }
      case SLOAD, DLOAD -> {
        boolean single = i.op == Op.SLOAD;
        if (i.to != null && i.to.isSpilled() && i.to.home != null) {
          return;
        }
        out.evex(
            single ? Form.FLOAT : Form.DOUBLE,
            single ? 2 : 3,
            1,
            single ? 0 : 1,
            0x10,
            d,
            0,
            address(i.a),
            0);
      }
      case S_TO_D -> {
        int a = vector(i.a, SCRATCH);
        out.evex(Form.FLOAT, 2, 1, 0, 0x5A, d, a, a);
      }
      case D_TO_S -> {
        int a = vector(i.a, SCRATCH);
        out.evex(Form.DOUBLE, 3, 1, 1, 0x5A, d, a, a);
      }
      case I_TO_S -> {
        out.evex(Form.VECTOR, 1, 1, 0, 0xEF, SCRATCH_2, SCRATCH_2, SCRATCH_2);
        out.evex(Form.FLOAT, 2, 1, 0, 0x2A, d, SCRATCH_2, integer(i.a, RAX));
      }
      case VSQRT -> {
        int a = vector(i.a, SCRATCH);
        out.evex(Form.VECTOR, 0, 1, 0, 0x51, d, 0, a);
      }
      default -> calculation(i, d);
    }
  }

  private void move(int d, @Nullable Operand from) {
    if (from instanceof Register register && register.isSpilled()) {
      vector(register, d);
      return;
    }
    int a = vector(from, SCRATCH);
    if (a != d) {
      out.evex(Form.VECTOR, 0, 1, 0, 0x28, d, 0, a); // vmovaps
    }
  }

  /** op d, a, b; with a mask what c holds stays in the other lanes. */
  private void calculation(Instruction i, int d) {
    Form form =
        switch (i.op) {
          case SADD, SSUB, SMUL, SDIV -> Form.FLOAT;
          case DADD, DSUB, DMUL, DDIV -> Form.DOUBLE;
          default -> Form.VECTOR;
        };
    int imm = i.op == Op.VRANGE ? 1 : 0;
    if (i.mask == null) {
      int a = vector(i.a, SCRATCH);
      boolean scalar = form.length() == 0;
      if (scalar) {
        int b = vector(i.b, SCRATCH_2);
        out.evex(form, i.op.prefix, i.op.map, i.op.w, i.op.code, d, a, b);
      } else {
        evex(form, i.op.prefix, i.op.map, i.op.w, i.op.code, d, a, i.b, imm);
      }
    } else {
      move(SCRATCH, i.c);
      int a = vector(i.a, SCRATCH_2);
      Form masked = form.under(mask(i.mask), false);
      evex(masked, i.op.prefix, i.op.map, i.op.w, i.op.code, SCRATCH, a, i.b, imm);
      if (d != SCRATCH) {
        out.evex(Form.VECTOR, 0, 1, 0, 0x28, d, 0, SCRATCH);
      }
    }
    if (imm == 1) {
      out.put(i.number);
    }
  }

  /** d = a * b + c, where b or c may be a constant. */
  private void fma(Instruction i, int d) {
    int a = vector(i.a, SCRATCH_2);
    if (i.c instanceof Operand.Splat) {
      Register b = (Register) Objects.requireNonNull(i.b);
      int factor = b == i.a ? a : vector(b, SCRATCH);
      if (factor == d) { // d = a * d + m
        evex(Form.VECTOR, 1, 2, 0, 0xA8, d, a, i.c, 0);
      } else {
        if (a != d) {
          out.evex(Form.VECTOR, 0, 1, 0, 0x28, d, 0, a);
        }
        evex(Form.VECTOR, 1, 2, 0, 0xA8, d, factor, i.c, 0);
      }
      return;
    }
    boolean cIsHere = i.c instanceof Register c && !c.isSpilled() && c.number == d;
    boolean aIsHere = a == d;
    boolean bIsHere = i.b instanceof Register b && !b.isSpilled() && b.number == d;
    if (cIsHere) { // d = a * b + d
      evex(Form.VECTOR, 1, 2, 0, 0xB8, d, a, i.b, 0);
    } else if (aIsHere && i.b instanceof Register b && !b.isSpilled()) { // d = d * b + c
      evex(Form.VECTOR, 1, 2, 0, 0xA8, d, b.number, i.c, 0);
    } else if (bIsHere) { // d = d * a + c
      evex(Form.VECTOR, 1, 2, 0, 0xA8, d, a, i.c, 0);
    } else {
      int target = aIsHere ? SCRATCH : d;
      move(target, i.c);
      evex(Form.VECTOR, 1, 2, 0, 0xB8, target, a, i.b, 0);
      if (target != d) {
        out.evex(Form.VECTOR, 0, 1, 0, 0x28, d, 0, target);
      }
    }
  }

  private void dot(Instruction i, int d) {
    int a = vector(i.a, SCRATCH_2);
    boolean sumIsHere = i.c instanceof Register c && !c.isSpilled() && c.number == d;
    int target = sumIsHere ? d : SCRATCH;
    if (!sumIsHere) {
      move(target, i.c);
    }
    evex(Form.VECTOR, 2, 2, 0, 0x52, target, a, i.b, 0);
    if (target != d) {
      out.evex(Form.VECTOR, 0, 1, 0, 0x28, d, 0, target);
    }
  }
}
