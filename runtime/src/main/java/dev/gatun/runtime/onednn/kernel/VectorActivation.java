package dev.gatun.runtime.onednn.kernel;

import static dev.gatun.runtime.onednn.kernel.Lanes.F;

import dev.gatun.runtime.op.Activation;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Activations of vectors. One small method each: the compiler does not inline into a loop what it
 * has once compiled into a large piece of code by itself, and a vector that is not inlined is an
 * object on the heap.
 */
final class VectorActivation {

  static final float ROOT_HALF = 0.70710678118654752f;
  static final float DENSITY = 0.39894228040143268f; // 1 / sqrt(2 pi)

  private VectorActivation() {}

  /** f(z); f must be a constant of the caller's class. */
  static FloatVector value(Activation f, FloatVector z) {
    if (f == Activation.RELU) {
      return z.max(0f);
    }
    if (f == Activation.SILU) {
      return silu(z);
    }
    if (f == Activation.GELU) {
      return gelu(z);
    }
    return f == Activation.SINE ? sine(z) : z;
  }

  /** dy * f'(z); f must be a constant of the caller's class. */
  static FloatVector gradient(Activation f, FloatVector z, FloatVector dy) {
    if (f == Activation.RELU) {
      return dy.blend(0f, z.compare(VectorOperators.LE, 0f));
    }
    if (f == Activation.SILU) {
      return siluGradient(z, dy);
    }
    if (f == Activation.GELU) {
      return geluGradient(z, dy);
    }
    return f == Activation.SINE ? sineGradient(z, dy) : dy;
  }

  static FloatVector silu(FloatVector z) {
    return z.mul(Lanes.sigmoid(z));
  }

  static FloatVector siluGradient(FloatVector z, FloatVector dy) {
    FloatVector s = Lanes.sigmoid(z);
    FloatVector one = FloatVector.broadcast(F, 1f);
    return dy.mul(s.mul(z.fma(one.sub(s), one)));
  }

  static FloatVector gelu(FloatVector z) {
    return z.mul(normalCdf(z));
  }

  static FloatVector geluGradient(FloatVector z, FloatVector dy) {
    FloatVector density = Lanes.exp(z.mul(z).mul(-0.5f)).mul(DENSITY);
    return dy.mul(z.fma(density, normalCdf(z)));
  }

  static FloatVector sine(FloatVector z) {
    return laneByLane(ScalarActivation::sine, z);
  }

  static FloatVector sineGradient(FloatVector z, FloatVector dy) {
    return dy.mul(laneByLane(ScalarActivation::cosine, z));
  }

  /** The Vector API's sine has other bits once it is compiled. */
  private static FloatVector laneByLane(FloatFunction f, FloatVector z) {
    float[] lanes = z.toArray();
    for (int i = 0; i < lanes.length; i++) {
      lanes[i] = f.apply(lanes[i]);
    }
    return FloatVector.fromArray(F, lanes, 0);
  }

  private interface FloatFunction {
    float apply(float x);
  }

  /** (1 + erf(z / sqrt 2)) / 2 by {@link ErfTerms}. */
  static FloatVector normalCdf(FloatVector z) {
    FloatVector x = z.mul(ROOT_HALF);
    FloatVector t = x.abs().min(ErfTerms.LIMIT);
    FloatVector p = FloatVector.broadcast(F, ErfTerms.C[0]);
    for (int i = 1; i < ErfTerms.C.length; i++) {
      p = p.fma(t, FloatVector.broadcast(F, ErfTerms.C[i]));
    }
    FloatVector tail =
        Lanes.exp(p.mul(t))
            .mul(0.5f)
            .blend(FloatVector.zero(F), t.compare(VectorOperators.GE, ErfTerms.LIMIT));
    return tail.blend(FloatVector.broadcast(F, 1f).sub(tail), x.compare(VectorOperators.GT, 0f));
  }
}
