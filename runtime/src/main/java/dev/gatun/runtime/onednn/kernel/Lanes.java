package dev.gatun.runtime.onednn.kernel;

import static dev.gatun.runtime.onednn.kernel.Memory.ALL;

import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * Vectors of fp32 lanes, loaded from and stored to FLOAT32 or BFLOAT16, and the elementary
 * functions of them.
 */
final class Lanes {

  /** Whether {@link NativeKernelWriter} reads this, for processors with AVX-512. */
  static final boolean AHEAD = Boolean.getBoolean("gatun.kernels.ahead");

  static final VectorSpecies<Float> F = species();
  static final VectorSpecies<Integer> I = F.vectorShape().withLanes(int.class);
  static final VectorSpecies<Short> S =
      VectorSpecies.of(short.class, VectorShape.forBitSize(F.vectorBitSize() / 2));

  /** Numbers in a vector. */
  static final int N = F.length();

  static final ByteOrder ORDER = ByteOrder.nativeOrder();

  static final VectorShuffle<Float> BY_8 = rotation(8);
  static final VectorShuffle<Float> BY_4 = rotation(4);
  static final VectorShuffle<Float> BY_2 = rotation(2);
  static final VectorShuffle<Float> BY_1 = rotation(1);

  static final FloatVector ONE = FloatVector.broadcast(F, 1f);
  static final FloatVector LOG2_E = FloatVector.broadcast(F, ExpTerms.LOG2_E);
  static final FloatVector MINUS_LOG2_E = FloatVector.broadcast(F, -ExpTerms.LOG2_E);
  static final FloatVector ROUND = FloatVector.broadcast(F, ExpTerms.ROUND);
  static final FloatVector MINUS_LN_2_HIGH = FloatVector.broadcast(F, -ExpTerms.LN_2_HIGH);
  static final FloatVector MINUS_LN_2_LOW = FloatVector.broadcast(F, -ExpTerms.LN_2_LOW);
  static final FloatVector C6 = FloatVector.broadcast(F, ExpTerms.C6);
  static final FloatVector C5 = FloatVector.broadcast(F, ExpTerms.C5);
  static final FloatVector C4 = FloatVector.broadcast(F, ExpTerms.C4);
  static final FloatVector C3 = FloatVector.broadcast(F, ExpTerms.C3);
  static final FloatVector C2 = FloatVector.broadcast(F, ExpTerms.C2);

  static final FloatVector D5 = FloatVector.broadcast(F, ExpTerms.D5);
  static final FloatVector D4 = FloatVector.broadcast(F, ExpTerms.D4);
  static final FloatVector D3 = FloatVector.broadcast(F, ExpTerms.D3);
  static final FloatVector D2 = FloatVector.broadcast(F, ExpTerms.D2);
  static final FloatVector D1 = FloatVector.broadcast(F, ExpTerms.D1);

  private Lanes() {}

  private static VectorSpecies<Float> species() {
    return AHEAD
        ? VectorSpecies.of(float.class, VectorShape.S_512_BIT)
        : FloatVector.SPECIES_PREFERRED;
  }

  private static VectorShuffle<Float> rotation(int by) {
    return VectorShuffle.fromOp(F, i -> (i + by) % N);
  }

  /**
   * The sum of all lanes, in double and in order: {@code reduceLanes} promises no order, and gives
   * other bits once it is compiled.
   */
  static double sum(FloatVector v) {
    double sum = 0;
    for (int i = 0; i < N; i++) {
      sum += v.lane(i);
    }
    return sum;
  }

  /** The sum of all lanes by halves, in the same order interpreted and compiled. */
  static float fold(FloatVector v) {
    FloatVector sum = v;
    if (N >= 16) {
      sum = sum.add(sum.rearrange(BY_8));
    }
    if (N >= 8) {
      sum = sum.add(sum.rearrange(BY_4));
    }
    sum = sum.add(sum.rearrange(BY_2));
    return sum.add(sum.rearrange(BY_1)).lane(0);
  }

  static FloatVector load(long address) {
    return FloatVector.fromMemorySegment(F, ALL, address, ORDER);
  }

  /** The number at {@code address} in all lanes. */
  static FloatVector broadcast(long address) {
    return FloatVector.broadcast(F, Memory.getFloat(address));
  }

  static FloatVector loadLow(long address) {
    return widen(ShortVector.fromMemorySegment(S, ALL, address, ORDER));
  }

  static FloatVector load(long address, boolean low) {
    return low ? loadLow(address) : load(address);
  }

  /** The first {@code count} lanes, zero in the others. */
  static FloatVector load(long address, boolean low, int count) {
    return low
        ? widen(ShortVector.fromMemorySegment(S, ALL, address, ORDER, S.indexInRange(0, count)))
        : FloatVector.fromMemorySegment(F, ALL, address, ORDER, F.indexInRange(0, count));
  }

  static void store(FloatVector value, long address) {
    value.intoMemorySegment(ALL, address, ORDER);
  }

  static void storeLow(FloatVector value, long address) {
    narrow(value).intoMemorySegment(ALL, address, ORDER);
  }

  static void store(FloatVector value, long address, boolean low) {
    if (low) {
      storeLow(value, address);
    } else {
      store(value, address);
    }
  }

  /** The first {@code count} lanes. */
  static void store(FloatVector value, long address, boolean low, int count) {
    if (low) {
      narrow(value).intoMemorySegment(ALL, address, ORDER, S.indexInRange(0, count));
    } else {
      value.intoMemorySegment(ALL, address, ORDER, F.indexInRange(0, count));
    }
  }

  static FloatVector widen(ShortVector bits) {
    return upperHalf((IntVector) bits.convertShape(VectorOperators.ZERO_EXTEND_S2I, I, 0));
  }

  static FloatVector upperHalf(IntVector bits) {
    return bits.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
  }

  // In pieces of at most 35 bytes of code, which are inlined however little of a profile there is.

  /**
   * sum + a's second * b's second + a's first * b's first, of pairs of BFLOAT16 in each lane, the
   * first in the lower half: AVX512_BF16's vdpbf16ps, which takes subnormal numbers for zero. The
   * products are exact.
   */
  static FloatVector dot(FloatVector sum, FloatVector a, FloatVector b) {
    return first(a).fma(first(b), second(a).fma(second(b), sum));
  }

  static FloatVector first(FloatVector pairs) {
    return upperHalf(pairs.reinterpretAsInts());
  }

  static FloatVector second(FloatVector pairs) {
    return pairs.reinterpretAsInts().and(0xFFFF0000).reinterpretAsFloats();
  }

  /** Pairs of the BFLOAT16 from {@code first} and from {@code second} on. */
  static FloatVector pairs(long first, long second) {
    return bits(first).or(loadLow(second).reinterpretAsInts()).reinterpretAsFloats();
  }

  private static IntVector bits(long address) {
    ShortVector low = ShortVector.fromMemorySegment(S, ALL, address, ORDER);
    return (IntVector) low.convertShape(VectorOperators.ZERO_EXTEND_S2I, I, 0);
  }

  static ShortVector narrow(FloatVector value) {
    IntVector bits = value.reinterpretAsInts();
    return lowerHalf(rounded(bits).blend(quiet(bits), nan(bits)));
  }

  static ShortVector lowerHalf(IntVector bits) {
    return (ShortVector)
        bits.lanewise(VectorOperators.LSHR, 16).convertShape(VectorOperators.I2S, S, 0);
  }

  static IntVector rounded(IntVector bits) {
    return bits.add(bits.lanewise(VectorOperators.LSHR, 16).and(1)).add(0x7FFF);
  }

  /** A NaN must not be rounded to infinity. */
  static IntVector quiet(IntVector bits) {
    return bits.or(0x00400000);
  }

  static VectorMask<Integer> nan(IntVector bits) {
    return bits.and(0x7FFFFFFF).compare(VectorOperators.GT, 0x7F800000);
  }

  /**
   * e^x with a relative error below 2^-22, of x bounded to [-87.3, 88.3]. x = n ln 2 + r with |r|
   * at most ln 2 / 2; e^r is a polynomial, 2^n a shift of the exponent.
   */
  static FloatVector exp(FloatVector x) {
    FloatVector bounded = x.max(ExpTerms.LOW).min(ExpTerms.HIGH);
    FloatVector shifted = bounded.fma(LOG2_E, ROUND);
    return timesPowerOfTwo(expOfRest(rest(bounded, shifted.sub(ROUND))), shifted);
  }

  /** 2^x with a relative error below 2^-22, of x from -126 on and up to 127. */
  static FloatVector exp2(FloatVector x) {
    return exp2OfBounded(x.max(ExpTerms.LOW_2).min(ExpTerms.HIGH_2));
  }

  /** The same of x up to 127, and 0 where it is below 2^{@link ExpTerms#ZERO_2}. */
  static FloatVector exp2OrZero(FloatVector x) {
    return exp2OfBounded(x).blend(0f, x.compare(VectorOperators.LT, ExpTerms.ZERO_2));
  }

  static FloatVector exp2OfBounded(FloatVector x) {
    FloatVector shifted = x.add(ROUND);
    return timesPowerOfTwo(exp2OfRest(x.sub(shifted.sub(ROUND))), shifted);
  }

  static FloatVector exp2OfRest(FloatVector r) {
    return lowTerms2(D5.fma(r, D4).fma(r, D3), r);
  }

  static FloatVector lowTerms2(FloatVector p, FloatVector r) {
    return p.fma(r, D2).fma(r, D1).fma(r, ONE);
  }

  static FloatVector rest(FloatVector x, FloatVector n) {
    return n.fma(MINUS_LN_2_LOW, n.fma(MINUS_LN_2_HIGH, x));
  }

  static FloatVector expOfRest(FloatVector r) {
    return lowTerms(C6.fma(r, C5).fma(r, C4).fma(r, C3), r);
  }

  static FloatVector lowTerms(FloatVector p, FloatVector r) {
    return p.fma(r, C2).fma(r, ONE).fma(r, ONE);
  }

  static FloatVector timesPowerOfTwo(FloatVector p, FloatVector shifted) {
    return p.reinterpretAsInts().add(exponent(shifted)).reinterpretAsFloats();
  }

  static IntVector exponent(FloatVector shifted) {
    // the bits of ROUND itself are shifted out
    return shifted.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23);
  }

  /** 1 / (1 + e^-x). */
  static FloatVector sigmoid(FloatVector x) {
    return ONE.div(exp2(x.mul(MINUS_LOG2_E)).add(ONE));
  }
}
