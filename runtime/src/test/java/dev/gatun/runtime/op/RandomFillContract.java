package dev.gatun.runtime.op;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Shape;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** {@link RandomFill} against the oracle, bit for bit. */
public abstract class RandomFillContract extends OperatorContract {
  private static final RandomKey KEY = new RandomKey(0x0123456789ABCDEFL, 3);

  /** Sample sizes that are no multiple of four, or of a vector; single numbers. */
  public static Stream<Operands> fills() {
    return Stream.concat(
            Stream.of(Shape.of(1), Shape.of(37), Shape.of(5, 4), Shape.of(3, 1)), SHAPES.stream())
        .flatMap(OperatorContract::operands)
        .filter(o -> o.shape().rank() > 1 || o.layout().equals(Layout.DENSE));
  }

  @ParameterizedTest
  @MethodSource("fills")
  public void normal(Operands o) {
    try (Trial t = trial("normal")) {
      Twin step = t.integers("step", 41);
      Twin y = t.output("y", o.out(), o.shape(), o.layout());
      t.run(b -> b.randomFill().normal(KEY, step.on(b), 7, y.on(b)));
      t.checkBits(y);
    }
  }

  @ParameterizedTest
  @MethodSource("fills")
  public void uniform(Operands o) {
    try (Trial t = trial("uniform")) {
      Twin step = t.integers("step", 41);
      Twin y = t.output("y", o.out(), o.shape(), o.layout());
      t.run(b -> b.randomFill().uniform(KEY, step.on(b), 0, y.on(b)));
      t.checkBits(y);
    }
  }

  @ParameterizedTest
  @MethodSource("fills")
  public void dropout(Operands o) {
    for (float p : new float[] {0, 0.1f, 0.5f}) {
      try (Trial t = trial("dropout " + p)) {
        Twin step = t.integers("step", 41);
        double[] values =
            Arrays.stream(t.normals(o.shape(), 0, 1)).map(v -> v + Math.signum(v)).toArray();
        Twin x = t.input("x", o.in(), o.shape(), o.layout(), values);
        Twin y = t.output("y", o.out(), o.shape(), o.layout());
        t.run(b -> b.randomFill().dropout(KEY, step.on(b), p, x.on(b), y.on(b)));
        t.check(y, Tolerance.of(o.out(), 1));
        assertArrayEquals(
            Arrays.stream(TensorValues.read(y.expected)).map(Math::signum).toArray(),
            Arrays.stream(t.download(y)).map(Math::signum).toArray(),
            "which elements were dropped");
      }
    }
    try (Trial t = trial("dropout in place")) {
      Twin step = t.integers("step", -1);
      Twin x = t.writes(t.normal("x", o.in(), o.shape(), o.layout()));
      t.run(b -> b.randomFill().dropout(KEY, step.on(b), 0.3f, x.on(b), x.on(b)));
      t.check(x, Tolerance.of(o.in(), 1));
    }
  }

  @Test
  public void integers() {
    record Range(int low, int count) {}
    for (Range range :
        List.of(
            new Range(0, 1),
            new Range(0, 1000),
            new Range(1, 300),
            new Range(-5, 11),
            new Range(0, Integer.MAX_VALUE))) {
      for (int n : new int[] {1, 3, 64, 129}) {
        try (Trial t = trial("integers " + range)) {
          Twin step = t.integers("step", 12);
          Twin y = t.output("y", DType.INT32, Shape.of(n));
          t.run(b -> b.randomFill().integers(KEY, step.on(b), 5, range.low, range.count, y.on(b)));
          t.checkBits(y);
        }
      }
    }
  }

  /** Every part of the counter and of the key counts, at the ends of their ranges too. */
  @Test
  public void keysAndCounters() {
    long[] seeds = {0, -1, 1L << 32, Long.MIN_VALUE};
    int[] others = {0, -1, Integer.MAX_VALUE, 1 << 30};
    Shape shape = Shape.of(2, 3, 7);
    for (long seed : seeds) {
      for (int other : others) {
        try (Trial t = trial("seed " + seed + ", purpose and step " + other)) {
          Twin step = t.integers("step", other);
          Twin uniform = t.output("uniform", DType.FLOAT32, shape);
          Twin normal = t.output("normal", DType.FLOAT32, shape);
          RandomKey key = new RandomKey(seed, ~other);
          t.run(
              b -> {
                b.randomFill().uniform(key, step.on(b), Math.max(0, other - 1), uniform.on(b));
                b.randomFill().normal(key, step.on(b), Math.max(0, other - 1), normal.on(b));
              });
          t.checkBits(uniform);
          t.checkBits(normal);
        }
      }
    }
  }

  /** Samples 2 to 4 of a batch of five are those of a batch of three that starts at 2. */
  @Test
  public void samplesDoNotDependOnTheBatch() {
    try (Trial t = trial("normal")) {
      Twin step = t.integers("step", 9);
      Twin all = t.output("all", DType.FLOAT32, Shape.of(5, 3, 5, 3));
      Twin some = t.output("some", DType.FLOAT32, Shape.of(3, 3, 5, 3));
      t.run(
          b -> {
            b.randomFill().normal(KEY, step.on(b), 0, all.on(b));
            b.randomFill().normal(KEY, step.on(b), 2, some.on(b));
          });
      assertArrayEquals(Arrays.copyOfRange(t.download(all), 2 * 45, 5 * 45), t.download(some));
    }
  }

  /** A million numbers, so that whole blocks of work are handed to several threads. */
  @Test
  public void many() {
    Shape shape = Shape.of(3, 347, 317, 3);
    try (Trial t = trial("normal, many")) {
      Twin step = t.integers("step", 1);
      Twin y = t.output("y", DType.FLOAT32, shape);
      t.run(b -> b.randomFill().normal(KEY, step.on(b), 0, y.on(b)));
      t.checkBits(y);
      double mean = Arrays.stream(t.download(y)).average().orElseThrow();
      assertEquals(0, mean, 5e-3);
    }
  }
}
