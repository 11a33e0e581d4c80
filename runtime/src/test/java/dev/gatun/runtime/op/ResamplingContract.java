package dev.gatun.runtime.op;

import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Shape;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** {@link Resampling} against the oracle. */
public abstract class ResamplingContract extends OperatorContract {

  /** A pooling of {@code o.shape()}. */
  public record Pool(Operands o, int kernel, int stride) {
    Shape output() {
      Shape x = o.shape();
      return Shape.of(
          x.batch(),
          (x.height() - kernel) / stride + 1,
          (x.width() - kernel) / stride + 1,
          x.channels());
    }

    @Override
    public String toString() {
      return o + " kernel " + kernel + " stride " + stride;
    }
  }

  /** A nearest-neighbour enlargement of {@code o.shape()}. */
  public record Enlargement(Operands o, int factor) {
    Shape output() {
      Shape x = o.shape();
      return Shape.of(x.batch(), factor * x.height(), factor * x.width(), x.channels());
    }

    @Override
    public String toString() {
      return o + " factor " + factor;
    }
  }

  public static Stream<Pool> pools() {
    int[][] windows = {{2, 2}, {3, 2}, {2, 1}, {2, 3}, {7, 7}};
    return Stream.of(windows)
        .flatMap(
            w ->
                operands()
                    .filter(
                        o ->
                            o.shape().rank() == 4
                                && Math.min(o.shape().height(), o.shape().width()) >= w[0])
                    .map(o -> new Pool(o, w[0], w[1])));
  }

  /** All places of the largest window that a UINT8 can name. */
  public static Stream<Pool> largestPools() {
    return Stream.concat(operands(Shape.of(1, 33, 18, 3)).map(o -> new Pool(o, 16, 16)), pools());
  }

  public static Stream<Enlargement> enlargements() {
    List<Shape> shapes =
        List.of(
            Shape.of(1, 1, 1, 1),
            Shape.of(2, 3, 5, 3),
            Shape.of(3, 7, 7, 17),
            Shape.of(2, 14, 14, 64));
    return Stream.of(1, 2, 3)
        .flatMap(f -> shapes.stream().flatMap(s -> operands(s).map(o -> new Enlargement(o, f))));
  }

  @ParameterizedTest
  @MethodSource("largestPools")
  public void maxPool(Pool p) {
    try (Trial t = trial("maxPool " + p)) {
      Twin x = t.normal("x", p.o.in(), p.o.shape(), p.o.layout());
      Twin y = t.output("y", p.o.out(), p.output(), p.o.layout());
      Twin argmax = t.output("argmax", DType.UINT8, p.output());
      t.run(b -> b.resampling().maxPool(p.kernel, p.stride, x.on(b), y.on(b), argmax.on(b)));
      t.checkBits(y);
      t.checkBits(argmax);
    }
    try (Trial t = trial("maxPool of equals " + p)) {
      double[] steps =
          Arrays.stream(t.normals(p.o.shape(), -2, 1)).map(v -> Math.rint(v) + 0.0).toArray();
      Twin x = t.input("x", p.o.in(), p.o.shape(), p.o.layout(), steps);
      Twin y = t.output("y", p.o.out(), p.output(), p.o.layout());
      Twin argmax = t.output("argmax", DType.UINT8, p.output());
      t.run(b -> b.resampling().maxPool(p.kernel, p.stride, x.on(b), y.on(b), argmax.on(b)));
      t.checkBits(y);
      t.checkBits(argmax);
    }
  }

  /**
   * A diverged network is noticed: one NaN of a window is its largest element, the first of
   * several.
   */
  @ParameterizedTest
  @MethodSource("pools")
  public void maxPoolOfNan(Pool p) {
    try (Trial t = trial("maxPool of NaN " + p)) {
      double[] values = t.normals(p.o.shape(), 0, 1);
      for (int i = 0; i < values.length; i += 5) {
        values[i] = i % 2 == 0 ? Double.NaN : Double.NEGATIVE_INFINITY;
      }
      Twin x = t.input("x", p.o.in(), p.o.shape(), p.o.layout(), values);
      Twin y = t.output("y", p.o.out(), p.output(), p.o.layout());
      Twin argmax = t.output("argmax", DType.UINT8, p.output());
      t.run(b -> b.resampling().maxPool(p.kernel, p.stride, x.on(b), y.on(b), argmax.on(b)));
      t.checkBits(y);
      t.checkBits(argmax);
    }
  }

  @ParameterizedTest
  @MethodSource("largestPools")
  public void maxPoolGradient(Pool p) {
    try (Trial t = trial("maxPoolGradient " + p)) {
      double[] places =
          Arrays.stream(t.normals(p.output(), 0, 1e6))
              .map(v -> Math.floorMod((int) v, p.kernel * p.kernel))
              .toArray();
      Twin dy = t.normal("dy", p.o.in(), p.output(), p.o.layout());
      Twin argmax = t.input("argmax", DType.UINT8, p.output(), Layout.DENSE, places);
      Twin dx = t.output("dx", p.o.out(), p.o.shape(), p.o.layout());
      t.run(
          b ->
              b.resampling().maxPoolGradient(p.kernel, p.stride, dy.on(b), argmax.on(b), dx.on(b)));
      t.check(dx, Tolerance.of(p.o.out(), 4));
    }
  }

  @ParameterizedTest
  @MethodSource("pools")
  public void averagePool(Pool p) {
    try (Trial t = trial("averagePool " + p)) {
      Twin x = t.normal("x", p.o.in(), p.o.shape(), p.o.layout());
      Twin y = t.output("y", p.o.out(), p.output(), p.o.layout());
      t.run(b -> b.resampling().averagePool(p.kernel, p.stride, x.on(b), y.on(b)));
      t.check(y, Tolerance.of(p.o.out(), p.kernel * p.kernel), 1.0 / p.kernel);
    }
  }

  @ParameterizedTest
  @MethodSource("pools")
  public void averagePoolGradient(Pool p) {
    try (Trial t = trial("averagePoolGradient " + p)) {
      Twin dy = t.normal("dy", p.o.in(), p.output(), p.o.layout());
      Twin dx = t.output("dx", p.o.out(), p.o.shape(), p.o.layout());
      t.run(b -> b.resampling().averagePoolGradient(p.kernel, p.stride, dy.on(b), dx.on(b)));
      t.check(dx, Tolerance.of(p.o.out(), 4));
    }
  }

  @ParameterizedTest
  @MethodSource("enlargements")
  public void nearest(Enlargement e) {
    try (Trial t = trial("nearest " + e)) {
      Twin x = t.normal("x", e.o.in(), e.o.shape(), e.o.layout());
      Twin y = t.output("y", e.o.out(), e.output(), e.o.layout());
      t.run(b -> b.resampling().nearest(e.factor, x.on(b), y.on(b)));
      t.checkBits(y);
    }
  }

  @ParameterizedTest
  @MethodSource("enlargements")
  public void nearestGradient(Enlargement e) {
    try (Trial t = trial("nearestGradient " + e)) {
      Twin dy = t.normal("dy", e.o.in(), e.output(), e.o.layout());
      Twin dx = t.output("dx", e.o.out(), e.o.shape(), e.o.layout());
      t.run(b -> b.resampling().nearestGradient(e.factor, dy.on(b), dx.on(b)));
      t.check(dx, Tolerance.of(e.o.out(), e.factor * e.factor), e.factor);
    }
  }
}
