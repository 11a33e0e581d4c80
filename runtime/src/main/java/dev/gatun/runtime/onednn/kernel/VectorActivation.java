package dev.gatun.runtime.onednn.kernel;

import static dev.gatun.runtime.onednn.kernel.Lanes.F;

import dev.gatun.runtime.op.Activation;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/** Activations of vectors. */
final class VectorActivation {

  private static final float ROOT_HALF = 0.70710678118654752f;
  private static final float DENSITY = 0.39894228040143268f; // 1 / sqrt(2 pi)

  private VectorActivation() {}

  /** f(z). */
  static FloatVector value(Activation f, FloatVector z) {
    return switch (f) {
      case IDENTITY -> z;
      case RELU -> z.max(FloatVector.zero(F));
      case SILU -> z.mul(Lanes.sigmoid(z));
      case GELU -> z.mul(normalCdf(z));
      case SINE -> laneByLane(ScalarActivation::sine, z);
    };
  }

  /** dy * f'(z). */
  static FloatVector gradient(Activation f, FloatVector z, FloatVector dy) {
    return switch (f) {
      case IDENTITY -> dy;
      case RELU -> FloatVector.zero(F).blend(dy, z.compare(VectorOperators.LE, 0f).not());
      case SILU -> {
        FloatVector s = Lanes.sigmoid(z);
        FloatVector one = FloatVector.broadcast(F, 1f);
        yield dy.mul(s.mul(z.fma(one.sub(s), one)));
      }
      case GELU -> {
        FloatVector density = Lanes.exp(z.mul(z).mul(-0.5f)).mul(DENSITY);
        yield dy.mul(z.fma(density, normalCdf(z)));
      }
      case SINE -> dy.mul(laneByLane(ScalarActivation::cosine, z));
    };
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
  private static FloatVector normalCdf(FloatVector z) {
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
