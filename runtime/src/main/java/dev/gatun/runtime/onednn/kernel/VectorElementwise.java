package dev.gatun.runtime.onednn.kernel;

import static dev.gatun.runtime.onednn.kernel.Lanes.F;
import static dev.gatun.runtime.onednn.kernel.Lanes.N;

import dev.gatun.runtime.op.Activation;
import java.lang.invoke.MethodHandles;
import jdk.incubator.vector.FloatVector;

/**
 * Elementwise functions, a vector at a time; what is left of a row is done under a mask. Run as
 * copies for an activation and the dtypes of (first operand, second operand, result): see {@link
 * Specialization}.
 */
final class VectorElementwise implements ElementwiseKernels {

  private static final Specialization FOR = Specialization.of(MethodHandles.lookup());
  private static final Activation ACTIVATION = FOR.activation();
  private static final boolean LOW_0 = FOR.low0();
  private static final boolean LOW_1 = FOR.low1();
  private static final boolean LOW_RESULT = FOR.low2();

  @Override
  public void activate(Activation f, Rows x, Rows y, long rows, long width) {
    long whole = width - width % N;
    int rest = (int) (width - whole);
    for (long r = 0; r < rows; r++) {
      long from = x.at(r);
      long to = y.at(r);
      for (long i = 0; i < whole; i += N) {
        FloatVector v = load0(from + i * x.size());
        put(VectorActivation.value(ACTIVATION, v), to + i * y.size());
      }
      if (rest > 0) {
        FloatVector v = Lanes.load(from + whole * x.size(), LOW_0, rest);
        Lanes.store(VectorActivation.value(ACTIVATION, v), to + whole * y.size(), LOW_RESULT, rest);
      }
    }
  }

  @Override
  public void activateGradient(Activation f, Rows x, Rows dy, Rows dx, long rows, long width) {
    long whole = width - width % N;
    int rest = (int) (width - whole);
    for (long r = 0; r < rows; r++) {
      long from = x.at(r);
      long by = dy.at(r);
      long to = dx.at(r);
      for (long i = 0; i < whole; i += N) {
        FloatVector v = load0(from + i * x.size());
        FloatVector g = load1(by + i * dy.size());
        put(VectorActivation.gradient(ACTIVATION, v, g), to + i * dx.size());
      }
      if (rest > 0) {
        FloatVector v = Lanes.load(from + whole * x.size(), LOW_0, rest);
        FloatVector g = Lanes.load(by + whole * dy.size(), LOW_1, rest);
        Lanes.store(
            VectorActivation.gradient(ACTIVATION, v, g), to + whole * dx.size(), LOW_RESULT, rest);
      }
    }
  }

  @Override
  public void add(Rows a, Rows b, Rows y, long rows, long width) {
    combine(1f, a, 1f, b, y, 0, rows, width);
  }

  @Override
  public void copy(Rows x, Rows y, long rows, long width) {
    if (x.low() == y.low()) {
      for (long r = 0; r < rows; r++) {
        Memory.copy(x.at(r), y.at(r), width * x.size());
      }
      return;
    }
    activate(Activation.IDENTITY, x, y, rows, width);
  }

  @Override
  public void fill(float value, Rows y, long rows, long width) {
    FloatVector v = FloatVector.broadcast(F, value);
    long whole = width - width % N;
    int rest = (int) (width - whole);
    for (long r = 0; r < rows; r++) {
      long to = y.at(r);
      for (long i = 0; i < whole; i += N) {
        put(v, to + i * y.size());
      }
      if (rest > 0) {
        Lanes.store(v, to + whole * y.size(), LOW_RESULT, rest);
      }
    }
  }

  @Override
  public void clamp(Rows x, float low, float high, Rows y, long rows, long width) {
    long whole = width - width % N;
    int rest = (int) (width - whole);
    for (long r = 0; r < rows; r++) {
      long from = x.at(r);
      long to = y.at(r);
      for (long i = 0; i < whole; i += N) {
        FloatVector v = load0(from + i * x.size());
        put(v.max(low).min(high), to + i * y.size());
      }
      if (rest > 0) {
        FloatVector v = Lanes.load(from + whole * x.size(), LOW_0, rest);
        Lanes.store(v.max(low).min(high), to + whole * y.size(), LOW_RESULT, rest);
      }
    }
  }

  @Override
  public void addVector(
      Rows x, Rows shift, long shiftRow, Rows y, long first, long rows, long width) {
    long whole = width - width % N;
    int rest = (int) (width - whole);
    for (long r = first; r < first + rows; r++) {
      long from = x.at(r);
      long to = y.at(r);
      for (long i = 0; i < whole; i += N) {
        FloatVector v = load0(from + i * x.size());
        FloatVector s = load1(shift.at(shiftRow) + i * shift.size());
        put(v.add(s), to + i * y.size());
      }
      if (rest > 0) {
        FloatVector v = Lanes.load(from + whole * x.size(), LOW_0, rest);
        FloatVector s = Lanes.load(shift.at(shiftRow) + whole * shift.size(), LOW_1, rest);
        Lanes.store(v.add(s), to + whole * y.size(), LOW_RESULT, rest);
      }
    }
  }

  @Override
  public void combine(float a, Rows x, float b, Rows y, Rows z, long first, long rows, long width) {
    FloatVector fa = FloatVector.broadcast(F, a);
    FloatVector fb = FloatVector.broadcast(F, b);
    long whole = width - width % N;
    int rest = (int) (width - whole);
    for (long r = first; r < first + rows; r++) {
      long from = x.at(r);
      long by = y.at(r);
      long to = z.at(r);
      for (long i = 0; i < whole; i += N) {
        FloatVector v = load0(from + i * x.size());
        FloatVector w = load1(by + i * y.size());
        put(v.mul(fa).add(w.mul(fb)), to + i * z.size());
      }
      if (rest > 0) {
        FloatVector v = Lanes.load(from + whole * x.size(), LOW_0, rest);
        FloatVector w = Lanes.load(by + whole * y.size(), LOW_1, rest);
        Lanes.store(v.mul(fa).add(w.mul(fb)), to + whole * z.size(), LOW_RESULT, rest);
      }
    }
  }

  private static FloatVector load0(long address) {
    return LOW_0 ? Lanes.loadLow(address) : Lanes.load(address);
  }

  private static FloatVector load1(long address) {
    return LOW_1 ? Lanes.loadLow(address) : Lanes.load(address);
  }

  private static void put(FloatVector value, long address) {
    if (LOW_RESULT) {
      Lanes.storeLow(value, address);
    } else {
      Lanes.store(value, address);
    }
  }
}
