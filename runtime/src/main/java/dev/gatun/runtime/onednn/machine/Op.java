package dev.gatun.runtime.onednn.machine;

/**
 * What an {@link Instruction} does. Of vectors {@code W} and {@code B} in a name are memory's 16
 * and 8 bits a lane.
 */
enum Op {
  LABEL,
  JUMP,
  /** To the label where (a condition b). */
  BRANCH,
  RETURN,
  /** Nothing yet: where the moves before a jump go. */
  MOVES,

  MOVE,
  ADD,
  SUB,
  MUL,
  AND,
  OR,
  SHL,
  SHR,
  SAR,
  /** As the processor divides: by 0, and the smallest number by -1, is a fault. */
  DIV,
  REM,
  NEG,
  MIN,
  MAX,
  /** int to long. */
  WIDEN,
  /** The address of a place. */
  ADDRESS,
  LOAD,
  STORE(false),

  VMOVE,
  VZERO,
  VLOAD,
  VLOAD_W,
  VLOAD_B,
  VSTORE(false),
  VSTORE_W(false),
  VSTORE_B(false),
  /** A scalar, or the FLOAT32 at a place, in all lanes. */
  VBROADCAST,
  /** An int in all lanes. */
  VBROADCAST_I,
  VFMA,
  /** Pairs of BFLOAT16: c + a's second * b's second + a's first * b's first. */
  VDOT,
  /** Lanes of b where the mask is set, of a elsewhere. */
  VBLEND,
  /** A lane's neighbour, {@code number} lanes on, with wrap-around. */
  VROTATE,
  /** The {@code number}-th half as doubles. */
  VTO_DOUBLES,
  VSHL,
  VSHR,
  VADD(0, 1, 0, 0x58),
  VSUB(0, 1, 0, 0x5C),
  VMUL(0, 1, 0, 0x59),
  VDIV(0, 1, 0, 0x5E),
  /** b where both are zero or one is NaN. */
  VMIN(0, 1, 0, 0x5D),
  VMAX(0, 1, 0, 0x5F),
  VAND(1, 1, 0, 0xDB),
  VOR(1, 1, 0, 0xEB),
  VXOR(1, 1, 0, 0xEF),
  VADD_I(1, 1, 0, 0xFE),
  VADD_D(1, 1, 1, 0x58),
  /** Minimum and maximum that tell the zeros apart and drop NaN, by {@code number}. */
  VRANGE(1, 3, 0, 0x50),
  VSQRT(0, 1, 0, 0x51),
  /** Compare floats, ints: to a mask. */
  VCMP(0, 1, 0, 0xC2),
  VCMP_I(1, 3, 0, 0x1F),

  SADD(2, 1, 0, 0x58),
  SSUB(2, 1, 0, 0x5C),
  SMUL(2, 1, 0, 0x59),
  SDIV(2, 1, 0, 0x5E),
  DADD(3, 1, 1, 0x58),
  DSUB(3, 1, 1, 0x5C),
  DMUL(3, 1, 1, 0x59),
  DDIV(3, 1, 1, 0x5E),
  SLOAD,
  SSTORE(false),
  DLOAD,
  DSTORE(false),
  S_TO_D,
  D_TO_S,
  I_TO_S,

  /** The first {@code a} lanes. */
  KFIRST,
  KMOVE,
  KOR,
  KNOT;

  /** Whether all that it does is to write its result. */
  final boolean pure;

  // of those with an encoding (EVEX): prefix, map, W and opcode
  final int prefix;
  final int map;
  final int w;
  final int code;

  Op() {
    this(true);
  }

  Op(boolean pure) {
    this.pure = pure;
    prefix = -1;
    map = 0;
    w = 0;
    code = 0;
  }

  Op(int prefix, int map, int w, int code) {
    pure = true;
    this.prefix = prefix;
    this.map = map;
    this.w = w;
    this.code = code;
  }

  boolean ends() {
    return this == JUMP || this == BRANCH || this == RETURN;
  }
}
