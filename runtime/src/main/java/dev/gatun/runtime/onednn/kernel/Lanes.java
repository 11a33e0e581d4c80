package dev.gatun.runtime.onednn.kernel;

import static dev.gatun.runtime.onednn.kernel.Memory.ALL;

import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * Vectors of fp32 lanes, loaded from and stored to FLOAT32 or BFLOAT16, and the elementary
 * functions of them.
 */
final class Lanes {

  static final VectorSpecies<Float> F = FloatVector.SPECIES_PREFERRED;
  static final VectorSpecies<Integer> I = F.vectorShape().withLanes(int.class);
  static final VectorSpecies<Short> S =
      VectorSpecies.of(short.class, VectorShape.forBitSize(F.vectorBitSize() / 2));

  /** Numbers in a vector. */
  static final int N = F.length();

  static final ByteOrder ORDER = ByteOrder.nativeOrder();

  private Lanes() {}

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

  static FloatVector load(long address, boolean low) {
    return low ? widen(ShortVector.fromMemorySegment(S, ALL, address, ORDER)) : load(address);
  }

  static FloatVector load(long address) {
    return FloatVector.fromMemorySegment(F, ALL, address, ORDER);
  }

  /** The first {@code count} lanes, zero in the others. */
  static FloatVector load(long address, boolean low, int count) {
    return low
        ? widen(ShortVector.fromMemorySegment(S, ALL, address, ORDER, S.indexInRange(0, count)))
        : FloatVector.fromMemorySegment(F, ALL, address, ORDER, F.indexInRange(0, count));
  }

  static void store(FloatVector value, long address, boolean low) {
    if (low) {
      narrow(value).intoMemorySegment(ALL, address, ORDER);
    } else {
      value.intoMemorySegment(ALL, address, ORDER);
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

  private static FloatVector widen(ShortVector bits) {
    return ((IntVector) bits.convertShape(VectorOperators.ZERO_EXTEND_S2I, I, 0))
        .lanewise(VectorOperators.LSHL, 16)
        .reinterpretAsFloats();
  }

  private static ShortVector narrow(FloatVector value) {
    IntVector bits = value.reinterpretAsInts();
    IntVector odd = bits.lanewise(VectorOperators.LSHR, 16).and(1);
    IntVector rounded = bits.add(0x7FFF).add(odd).lanewise(VectorOperators.LSHR, 16);
    IntVector quiet = bits.lanewise(VectorOperators.LSHR, 16).or(0x40);
    rounded = rounded.blend(quiet, value.test(VectorOperators.IS_NAN).cast(I));
    return (ShortVector) rounded.convertShape(VectorOperators.I2S, S, 0);
  }

  /**
   * e^x with a relative error below 2^-22, of x bounded to [-87.3, 88.3]. x = n ln 2 + r with |r|
   * at most ln 2 / 2; e^r is a polynomial, 2^n a shift of the exponent.
   */
  static FloatVector exp(FloatVector x) {
    FloatVector bounded = x.max(ExpTerms.LOW).min(ExpTerms.HIGH);
    FloatVector magic = FloatVector.broadcast(F, ExpTerms.ROUND);
    FloatVector shifted = bounded.fma(FloatVector.broadcast(F, ExpTerms.LOG2_E), magic);
    FloatVector n = shifted.sub(magic);
    FloatVector r = n.fma(FloatVector.broadcast(F, -ExpTerms.LN_2_HIGH), bounded);
    r = n.fma(FloatVector.broadcast(F, -ExpTerms.LN_2_LOW), r);
    FloatVector p = FloatVector.broadcast(F, ExpTerms.C6);
    p = p.fma(r, FloatVector.broadcast(F, ExpTerms.C5));
    p = p.fma(r, FloatVector.broadcast(F, ExpTerms.C4));
    p = p.fma(r, FloatVector.broadcast(F, ExpTerms.C3));
    p = p.fma(r, FloatVector.broadcast(F, ExpTerms.C2));
    p = p.fma(r, FloatVector.broadcast(F, 1f));
    p = p.fma(r, FloatVector.broadcast(F, 1f));
    IntVector exponent =
        shifted.reinterpretAsInts().sub(ExpTerms.ROUND_BITS).lanewise(VectorOperators.LSHL, 23);
    return p.reinterpretAsInts().add(exponent).reinterpretAsFloats();
  }

  /** 1 / (1 + e^-x). */
  static FloatVector sigmoid(FloatVector x) {
    FloatVector one = FloatVector.broadcast(F, 1f);
    return one.div(exp(x.neg()).add(one));
  }
}
