package dev.gatun.runtime.onednn.kernel;

import static dev.gatun.runtime.onednn.kernel.Lanes.F;
import static dev.gatun.runtime.onednn.kernel.Lanes.N;

import dev.gatun.runtime.op.Activation;
import jdk.incubator.vector.FloatVector;

/** Elementwise functions, a vector at a time; what is left of a row is done under a mask. */
final class VectorElementwise implements ElementwiseKernels {

  private final ElementwiseKernels scalar = new ScalarElementwise();

  @Override
  public void activate(Activation f, Rows x, Rows y, long rows, long width) {
    if (f == Activation.SINE) {
      scalar.activate(f, x, y, rows, width);
      return;
    }
    long whole = width - width % N;
    int rest = (int) (width - whole);
    for (long r = 0; r < rows; r++) {
      long from = x.at(r);
      long to = y.at(r);
      for (long i = 0; i < whole; i += N) {
        FloatVector v = Lanes.load(from + i * x.size(), x.low());
        Lanes.store(VectorActivation.value(f, v), to + i * y.size(), y.low());
      }
      if (rest > 0) {
        FloatVector v = Lanes.load(from + whole * x.size(), x.low(), rest);
        Lanes.store(VectorActivation.value(f, v), to + whole * y.size(), y.low(), rest);
      }
    }
  }

  @Override
  public void activateGradient(Activation f, Rows x, Rows dy, Rows dx, long rows, long width) {
    if (f == Activation.SINE) {
      scalar.activateGradient(f, x, dy, dx, rows, width);
      return;
    }
    long whole = width - width % N;
    int rest = (int) (width - whole);
    for (long r = 0; r < rows; r++) {
      long from = x.at(r);
      long by = dy.at(r);
      long to = dx.at(r);
      for (long i = 0; i < whole; i += N) {
        FloatVector v = Lanes.load(from + i * x.size(), x.low());
        FloatVector g = Lanes.load(by + i * dy.size(), dy.low());
        Lanes.store(VectorActivation.gradient(f, v, g), to + i * dx.size(), dx.low());
      }
      if (rest > 0) {
        FloatVector v = Lanes.load(from + whole * x.size(), x.low(), rest);
        FloatVector g = Lanes.load(by + whole * dy.size(), dy.low(), rest);
        Lanes.store(VectorActivation.gradient(f, v, g), to + whole * dx.size(), dx.low(), rest);
      }
    }
  }

  @Override
  public void add(Rows a, Rows b, Rows y, long rows, long width) {
    combine(1f, a, 1f, b, y, rows, width);
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
        Lanes.store(v, to + i * y.size(), y.low());
      }
      if (rest > 0) {
        Lanes.store(v, to + whole * y.size(), y.low(), rest);
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
        FloatVector v = Lanes.load(from + i * x.size(), x.low());
        Lanes.store(v.max(low).min(high), to + i * y.size(), y.low());
      }
      if (rest > 0) {
        FloatVector v = Lanes.load(from + whole * x.size(), x.low(), rest);
        Lanes.store(v.max(low).min(high), to + whole * y.size(), y.low(), rest);
      }
    }
  }

  @Override
  public void addVector(Rows x, Rows shift, Rows y, long rows, long width) {
    long whole = width - width % N;
    int rest = (int) (width - whole);
    for (long r = 0; r < rows; r++) {
      long from = x.at(r);
      long to = y.at(r);
      for (long i = 0; i < whole; i += N) {
        FloatVector v = Lanes.load(from + i * x.size(), x.low());
        FloatVector s = Lanes.load(shift.address() + i * shift.size(), shift.low());
        Lanes.store(v.add(s), to + i * y.size(), y.low());
      }
      if (rest > 0) {
        FloatVector v = Lanes.load(from + whole * x.size(), x.low(), rest);
        FloatVector s = Lanes.load(shift.address() + whole * shift.size(), shift.low(), rest);
        Lanes.store(v.add(s), to + whole * y.size(), y.low(), rest);
      }
    }
  }

  @Override
  public void combine(float a, Rows x, float b, Rows y, Rows z, long rows, long width) {
    FloatVector fa = FloatVector.broadcast(F, a);
    FloatVector fb = FloatVector.broadcast(F, b);
    long whole = width - width % N;
    int rest = (int) (width - whole);
    for (long r = 0; r < rows; r++) {
      long from = x.at(r);
      long by = y.at(r);
      long to = z.at(r);
      for (long i = 0; i < whole; i += N) {
        FloatVector v = Lanes.load(from + i * x.size(), x.low());
        FloatVector w = Lanes.load(by + i * y.size(), y.low());
        Lanes.store(v.mul(fa).add(w.mul(fb)), to + i * z.size(), z.low());
      }
      if (rest > 0) {
        FloatVector v = Lanes.load(from + whole * x.size(), x.low(), rest);
        FloatVector w = Lanes.load(by + whole * y.size(), y.low(), rest);
        Lanes.store(v.mul(fa).add(w.mul(fb)), to + whole * z.size(), z.low(), rest);
      }
    }
  }
}
