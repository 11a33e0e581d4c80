package dev.gatun.runtime.onednn.machine;

import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Instructions of x86-64 as bytes (Intel 64 and IA-32 Architectures Software Developer's Manual,
 * volume 2): those with a REX prefix for integers, with VEX for masks, with EVEX for vectors and
 * floating-point scalars. Memory is base + index * scale + displacement; a base of {@link #CODE} is
 * a distance in the constants behind the code, of {@link #ZEROS} one in the zeros behind all.
 */
final class Assembler {

  static final int NONE = -1;
  static final int CODE = -2;
  static final int ZEROS = -3;

  static final int RAX = 0;
  static final int RCX = 1;
  static final int RDX = 2;
  static final int RBX = 3;
  static final int RSP = 4;
  static final int RBP = 5;
  static final int RSI = 6;
  static final int RDI = 7;

  /** A place in memory, in registers with numbers. */
  record Address(int base, int index, int scale, int displacement) {}

  /** Where four bytes stand for a distance from the byte behind the instruction. */
  private record Distance(int at, int end, int target) {}

  private byte[] bytes = new byte[4096];
  private int length;
  private final Map<Integer, Integer> labels = new HashMap<>();
  private final List<Distance> jumps = new ArrayList<>();
  private final List<Distance> constants = new ArrayList<>();
  private final List<Distance> zeros = new ArrayList<>();

  /** Bytes as they are. */
  void put(int... values) {
    for (int value : values) {
      if (length == bytes.length) {
        bytes = Arrays.copyOf(bytes, 2 * length);
      }
      bytes[length++] = (byte) value;
    }
  }

  void put32(int value) {
    put(value, value >> 8, value >> 16, value >> 24);
  }

  void label(int label) {
    labels.put(label, length);
  }

  void jump(int label) {
    put(0xE9);
    distance(label);
  }

  void jumpIf(int condition, int label) {
    put(0x0F, 0x80 | condition);
    distance(label);
  }

  private void distance(int label) {
    jumps.add(new Distance(length, length + 4, label));
    put32(0);
  }

  /** opcode /reg with a register in place of memory. */
  void integer(boolean wide, int opcode, int reg, int rm) {
    rex(wide, reg, NONE, rm);
    opcode(opcode);
    put(0xC0 | (reg & 7) << 3 | rm & 7);
  }

  /** opcode /reg on memory; {@code behind} bytes of the instruction follow. */
  void integer(boolean wide, int opcode, int reg, Address m, int behind) {
    rex(wide, reg, m.index, m.base);
    opcode(opcode);
    memory(reg, m, 1, behind);
  }

  private void rex(boolean wide, int reg, int index, int base) {
    int rex = (wide ? 8 : 0) | (reg >= 8 ? 4 : 0) | (index >= 8 ? 2 : 0) | (base >= 8 ? 1 : 0);
    // always there, as the low byte of rsi and rbp needs one
    put(0x40 | rex);
  }

  private void opcode(int opcode) {
    if (opcode > 0xFF) {
      put(opcode >> 8);
    }
    put(opcode);
  }

  void put64(long value) {
    put32((int) value);
    put32((int) (value >> 32));
  }

  /** VEX on registers, W0: masks, and {@code bzhi}. */
  void vex(int map, int prefix, int l, int opcode, int reg, int vvvv, int rm) {
    int extensions = (reg < 8 ? 0x80 : 0) | 0x40 | (rm < 8 ? 0x20 : 0);
    put(0xC4, extensions | map, (~vvvv & 15) << 3 | l << 2 | prefix);
    put(opcode, 0xC0 | (reg & 7) << 3 | rm & 7);
  }

  /**
   * What an EVEX prefix says beside the registers.
   *
   * @param length 0, 1, 2 for 128, 256, 512 bits
   * @param mask number of the mask, 0 for none
   * @param zeroing whether lanes outside of the mask become zero
   * @param broadcast of memory's one number
   * @param unit bytes of which a short displacement is a multiple
   */
  record Form(int length, int mask, boolean zeroing, boolean broadcast, int unit) {
    static final Form VECTOR = new Form(2, 0, false, false, 64);
    static final Form SINGLE = new Form(2, 0, false, false, 4);
    static final Form HALF = new Form(2, 0, false, false, 32);
    static final Form QUARTER = new Form(2, 0, false, false, 16);
    static final Form FLOAT = new Form(0, 0, false, false, 4);
    static final Form DOUBLE = new Form(0, 0, false, false, 8);

    /** With memory's one number in all lanes. */
    Form broadcasting() {
      return new Form(length, mask, zeroing, true, 4);
    }

    Form under(int number, boolean zero) {
      return new Form(length, number, zero, broadcast, unit);
    }
  }

  void evex(Form form, int prefix, int map, int w, int opcode, int reg, int vvvv, int rm) {
    evexPrefix(form, prefix, map, w, reg, vvvv, rm >= 0 && (rm & 16) != 0, rm);
    put(opcode, 0xC0 | (reg & 7) << 3 | rm & 7);
  }

  void evex(
      Form form, int prefix, int map, int w, int opcode, int reg, int vvvv, Address m, int behind) {
    evexPrefix(form, prefix, map, w, reg, vvvv, m.index >= 8, m.base);
    put(opcode);
    memory(reg, m, form.unit, behind);
  }

  private void evexPrefix(
      Form form, int prefix, int map, int w, int reg, int vvvv, boolean x, int base) {
    int v = Math.max(vvvv, 0);
    put(
        0x62,
        ((reg & 8) == 0 ? 0x80 : 0)
            | (x ? 0 : 0x40)
            | (base >= 0 && (base & 8) != 0 ? 0 : 0x20)
            | ((reg & 16) == 0 ? 0x10 : 0)
            | map,
        w << 7 | (~v & 15) << 3 | 4 | prefix,
        (form.zeroing ? 0x80 : 0)
            | form.length << 5
            | (form.broadcast ? 0x10 : 0)
            | ((v & 16) == 0 ? 8 : 0)
            | form.mask);
  }

  /** ModRM, SIB and displacement; a short displacement counts units. */
  private void memory(int reg, Address m, int unit, int behind) {
    int r = (reg & 7) << 3;
    if (m.base == CODE || m.base == ZEROS) {
      put(r | 5);
      List<Distance> distances = m.base == CODE ? constants : zeros;
      distances.add(new Distance(length, length + 4 + behind, m.displacement));
      put32(0);
      return;
    }
    if (m.base == NONE) {
      put(r | 4, scale(m) << 6 | index(m) << 3 | 5);
      put32(m.displacement);
      return;
    }
    boolean none = m.displacement == 0 && (m.base & 7) != RBP;
    int units = m.displacement / unit;
    boolean small = m.displacement % unit == 0 && units >= -128 && units <= 127;
    int mode = none ? 0 : small ? 0x40 : 0x80;
    if (m.index == NONE && (m.base & 7) != RSP) {
      put(mode | r | m.base & 7);
    } else {
      put(mode | r | 4, scale(m) << 6 | index(m) << 3 | m.base & 7);
    }
    if (mode == 0x40) {
      put(units);
    } else if (mode == 0x80) {
      put32(m.displacement);
    }
  }

  private static int index(Address m) {
    return m.index == NONE ? RSP : m.index & 7;
  }

  private static int scale(Address m) {
    return Integer.numberOfTrailingZeros(m.scale);
  }

  /** Where the zeros are asked for. */
  List<KernelCompiler.Zeros> zeros() {
    return zeros.stream().map(z -> new KernelCompiler.Zeros(z.at, z.end, z.target)).toList();
  }

  /** The code, and from a multiple of 64 on the constants. */
  byte[] finish(byte[] constantBytes) {
    int code = (length + 63) / 64 * 64;
    for (Distance jump : jumps) {
      set(jump.at, Objects.requireNonNull(labels.get(jump.target)) - jump.end);
    }
    for (Distance constant : constants) {
      set(constant.at, code + constant.target - constant.end);
    }
    var all = new ByteArrayOutputStream();
    all.write(bytes, 0, length);
    all.write(new byte[code - length], 0, code - length);
    all.writeBytes(constantBytes);
    return all.toByteArray();
  }

  private void set(int at, int value) {
    for (int i = 0; i < 4; i++) {
      bytes[at + i] = (byte) (value >> 8 * i);
    }
  }
}
