package dev.gatun.runtime.op;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.runtime.memory.DeviceArena;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** {@link Elementwise} against the oracle. */
public abstract class ElementwiseContract extends OperatorContract {

  @ParameterizedTest
  @MethodSource("operands")
  public void activations(Operands o) {
    for (Activation f : Activation.values()) {
      try (Trial t = trial("activate " + f)) {
        Twin x = t.input("x", o.in(), o.shape(), o.layout(), t.normals(o.shape(), 0, 3));
        Twin y = t.output("y", o.out(), o.shape(), o.layout());
        t.run(b -> b.elementwise().activate(f, x.on(b), y.on(b)));
        t.check(y, Tolerance.of(o.out(), 1));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("operands")
  public void activationGradients(Operands o) {
    for (Activation f : Activation.values()) {
      try (Trial t = trial("activateGradient " + f)) {
        Twin x = t.input("x", o.in(), o.shape(), o.layout(), t.normals(o.shape(), 0, 3));
        Twin dy = t.normal("dy", o.in(), o.shape());
        Twin dx = t.output("dx", o.out(), o.shape(), o.layout());
        t.run(b -> b.elementwise().activateGradient(f, x.on(b), dy.on(b), dx.on(b)));
        t.check(dx, Tolerance.of(o.out(), 1));
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Activation.class)
  public void activationsInPlace(Activation f) {
    for (DType dtype : new DType[] {DType.FLOAT32, DType.BFLOAT16}) {
      Shape shape = Shape.of(2, 7, 7, 17);
      try (Trial t = trial("activate in place " + f)) {
        Twin x = t.writes(t.normal("x", dtype, shape, Layout.SLICE));
        t.run(b -> b.elementwise().activate(f, x.on(b), x.on(b)));
        t.check(x, Tolerance.of(dtype, 1));
      }
      try (Trial t = trial("activateGradient in place of dy " + f)) {
        Twin x = t.normal("x", dtype, shape);
        Twin dy = t.writes(t.normal("dy", dtype, shape, Layout.SLICE));
        t.run(b -> b.elementwise().activateGradient(f, x.on(b), dy.on(b), dy.on(b)));
        t.check(dy, Tolerance.of(dtype, 1));
      }
      try (Trial t = trial("activateGradient in place of x " + f)) {
        Twin x = t.writes(t.normal("x", dtype, shape));
        Twin dy = t.normal("dy", dtype, shape);
        t.run(b -> b.elementwise().activateGradient(f, x.on(b), dy.on(b), x.on(b)));
        t.check(x, Tolerance.of(dtype, 1));
      }
    }
  }

  /** Where exponentials overflow, ranges are reduced and signs change; NaN stays NaN. */
  @ParameterizedTest
  @EnumSource(Activation.class)
  public void activationsOfExtremes(Activation f) {
    double[] values = {
      0,
      -0.0,
      1e-30,
      -1e-30,
      1e-6,
      -1e-6,
      0.5,
      -0.5,
      3,
      -3,
      5.5,
      -5.5,
      9,
      -9,
      20,
      -20,
      87,
      -87,
      89,
      -89,
      104,
      -104,
      1000,
      -1000,
      3.1415927,
      1.5707964,
      314.15927,
      999.5,
      3e4,
      -3e4,
      Double.NaN
    };
    Shape shape = Shape.of(1, values.length);
    try (Trial t = trial("activate extremes " + f)) {
      Twin x = t.input("x", DType.FLOAT32, shape, Layout.DENSE, values);
      Twin y = t.output("y", DType.FLOAT32, shape);
      t.run(b -> b.elementwise().activate(f, x.on(b), y.on(b)));
      int finite = values.length - 1;
      for (int i = 0; i < finite; i++) {
        t.check(
            y.channelSlice(i, 1), Tolerance.of(DType.FLOAT32, 1), Math.min(1, Math.abs(values[i])));
      }
      t.check(y.channelSlice(finite, 1), Tolerance.of(DType.FLOAT32, 1));
    }
    try (Trial t = trial("activateGradient of extremes " + f)) {
      Twin x = t.input("x", DType.FLOAT32, shape, Layout.DENSE, values);
      double[] ones = new double[values.length];
      Arrays.fill(ones, 1);
      Twin dy = t.input("dy", DType.FLOAT32, shape, Layout.DENSE, ones);
      Twin dx = t.output("dx", DType.FLOAT32, shape);
      t.run(b -> b.elementwise().activateGradient(f, x.on(b), dy.on(b), dx.on(b)));
      t.check(dx.channelSlice(0, values.length - 1), Tolerance.of(DType.FLOAT32, 1), 1);
    }
  }

  @ParameterizedTest
  @MethodSource("operands")
  public void add(Operands o) {
    try (Trial t = trial("add")) {
      Twin a = t.normal("a", o.in(), o.shape(), o.layout());
      Twin b = t.normal("b", o.out(), o.shape());
      Twin y = t.output("y", o.out(), o.shape(), o.layout());
      t.run(backend -> backend.elementwise().add(a.on(backend), b.on(backend), y.on(backend)));
      t.check(y, Tolerance.of(o.out(), 1));
    }
    try (Trial t = trial("add in place of a")) {
      Twin a = t.writes(t.normal("a", o.out(), o.shape(), o.layout()));
      Twin b = t.normal("b", o.in(), o.shape(), o.layout());
      t.run(backend -> backend.elementwise().add(a.on(backend), b.on(backend), a.on(backend)));
      t.check(a, Tolerance.of(o.out(), 1));
    }
    try (Trial t = trial("add in place of both")) {
      Twin a = t.writes(t.normal("a", o.out(), o.shape(), o.layout()));
      t.run(backend -> backend.elementwise().add(a.on(backend), a.on(backend), a.on(backend)));
      t.check(a, Tolerance.of(o.out(), 1));
    }
  }

  @ParameterizedTest
  @MethodSource("operands")
  public void copy(Operands o) {
    try (Trial t = trial("copy")) {
      Twin x = t.normal("x", o.in(), o.shape(), o.layout());
      Twin y = t.output("y", o.out(), o.shape());
      t.run(b -> b.elementwise().copy(x.on(b), y.on(b)));
      t.checkBits(y);
    }
    try (Trial t = trial("copy to a slice")) {
      Twin x = t.normal("x", o.in(), o.shape());
      Twin y = t.output("y", o.out(), o.shape(), o.layout());
      t.run(b -> b.elementwise().copy(x.on(b), y.on(b)));
      t.checkBits(y);
    }
  }

  /** Ties go to the even neighbour, what is too large becomes infinite, NaN stays NaN. */
  @Test
  public void copyRoundsToNearestEven() {
    double[] values = {
      1,
      1 + 0x1p-8,
      1 + 3 * 0x1p-8,
      1 + 0x1p-8 + 0x1p-20,
      1 + 0x1p-8 - 0x1p-20,
      -1 - 0x1p-8,
      -1 - 3 * 0x1p-8,
      0,
      -0.0,
      3.4e38,
      -3.4e38,
      3.3895e38,
      Double.POSITIVE_INFINITY,
      Double.NEGATIVE_INFINITY,
      Double.NaN,
      1e-30,
      0x1.FEp-1,
      0x1.FFp-1,
      0x1.FF8p-1
    };
    try (Trial t = trial("copy of ties")) {
      Twin x = t.input("x", DType.FLOAT32, Shape.of(1, values.length), Layout.DENSE, values);
      Twin y = t.output("y", DType.BFLOAT16, Shape.of(1, values.length));
      t.run(b -> b.elementwise().copy(x.on(b), y.on(b)));
      t.checkBits(y);
    }
  }

  @ParameterizedTest
  @MethodSource("operands")
  public void fill(Operands o) {
    try (Trial t = trial("fill")) {
      Twin y = t.output("y", o.out(), o.shape(), o.layout());
      t.run(b -> b.elementwise().fill(-0.3f, y.on(b)));
      t.checkBits(y);
    }
  }

  @ParameterizedTest
  @MethodSource("operands")
  public void clamp(Operands o) {
    try (Trial t = trial("clamp")) {
      Twin x = t.normal("x", o.in(), o.shape(), o.layout());
      Twin y = t.output("y", o.out(), o.shape());
      t.run(b -> b.elementwise().clamp(x.on(b), -0.75f, 0.5f, y.on(b)));
      t.checkBits(y);
    }
    try (Trial t = trial("clamp in place")) {
      Twin x = t.writes(t.normal("x", o.in(), o.shape(), o.layout()));
      t.run(b -> b.elementwise().clamp(x.on(b), -1, 1, x.on(b)));
      t.checkBits(x);
    }
  }

  @ParameterizedTest
  @MethodSource("operands")
  public void addPerSample(Operands o) {
    Shape shiftShape = Shape.of(o.shape().batch(), o.shape().channels());
    try (Trial t = trial("addPerSample")) {
      Twin x = t.normal("x", o.in(), o.shape(), o.layout());
      Twin shift = t.normal("shift", o.in(), shiftShape, o.layout());
      Twin y = t.output("y", o.out(), o.shape(), o.layout());
      t.run(b -> b.elementwise().addPerSample(x.on(b), shift.on(b), y.on(b)));
      t.check(y, Tolerance.of(o.out(), 1));
    }
    try (Trial t = trial("addPerSample in place")) {
      Twin x = t.writes(t.normal("x", o.out(), o.shape(), o.layout()));
      Twin shift = t.normal("shift", o.in(), shiftShape);
      t.run(b -> b.elementwise().addPerSample(x.on(b), shift.on(b), x.on(b)));
      t.check(x, Tolerance.of(o.out(), 1));
    }
  }

  @ParameterizedTest
  @MethodSource("operands")
  public void combinePerSample(Operands o) {
    Shape perSample = Shape.of(o.shape().batch());
    try (Trial t = trial("combinePerSample")) {
      Twin a = t.normal("a", DType.FLOAT32, perSample);
      Twin x = t.normal("x", o.in(), o.shape(), o.layout());
      Twin b = t.normal("b", DType.FLOAT32, perSample);
      Twin y = t.normal("y", o.out(), o.shape());
      Twin z = t.output("z", o.out(), o.shape(), o.layout());
      t.run(
          device ->
              device
                  .elementwise()
                  .combinePerSample(
                      a.on(device), x.on(device), b.on(device), y.on(device), z.on(device)));
      t.check(z, Tolerance.of(o.out(), 1));
    }
    try (Trial t = trial("combinePerSample in place of y")) {
      Twin a = t.normal("a", DType.FLOAT32, perSample);
      Twin x = t.normal("x", o.in(), o.shape());
      Twin b = t.normal("b", DType.FLOAT32, perSample);
      Twin y = t.writes(t.normal("y", o.out(), o.shape(), o.layout()));
      t.run(
          device ->
              device
                  .elementwise()
                  .combinePerSample(
                      a.on(device), x.on(device), b.on(device), y.on(device), y.on(device)));
      t.check(y, Tolerance.of(o.out(), 1));
    }
  }

  /**
   * A table [rows, width], or [rows] where the width is 0, from which {@code count} rows are taken.
   */
  public record Table(int rows, int width, int count) {}

  public static Stream<Table> tables() {
    return Stream.of(
        new Table(1, 1, 1),
        new Table(1000, 0, 5),
        new Table(7, 3, 5),
        new Table(10, 64, 3),
        new Table(100, 100, 128),
        new Table(300, 17, 1),
        new Table(3, 0, 64));
  }

  @ParameterizedTest
  @MethodSource("tables")
  public void gather(Table table) {
    int[] rows =
        IntStream.range(0, table.count())
            .map(i -> (i * 7919 + table.rows() - 1) % table.rows())
            .toArray();
    Shape entries =
        table.width() == 0 ? Shape.of(table.rows()) : Shape.of(table.rows(), table.width());
    Shape taken =
        table.width() == 0 ? Shape.of(table.count()) : Shape.of(table.count(), table.width());
    Layout layout = table.width() == 0 ? Layout.DENSE : Layout.SLICE;
    operands(taken)
        .filter(o -> o.layout().equals(layout))
        .forEach(
            o -> {
              try (Trial t = trial("gather")) {
                Twin source = t.normal("table", o.in(), entries);
                Twin indices = t.integers("indices", rows);
                Twin y = t.output("y", o.out(), taken, layout);
                t.run(b -> b.elementwise().gather(source.on(b), indices.on(b), y.on(b)));
                t.checkBits(y);
              }
            });
  }

  /** For an index outside the table nothing of it is read: an error, or a row of NaN. */
  @Test
  public void gatherOutside() {
    int[] rows = {1, -1, 2, 3, Integer.MIN_VALUE, Integer.MAX_VALUE, 0};
    float[] table = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    int width = 4;
    try (Backend backend = backend();
        DeviceArena arena = new DeviceArena(backend.memory(), "gather")) {
      Tensor source = Tensor.allocate(arena, DType.FLOAT32, Shape.of(3, width));
      Tensor indices = Tensor.allocate(arena, DType.INT32, Shape.of(rows.length));
      Tensor y = Tensor.allocate(arena, DType.FLOAT32, Shape.of(rows.length, width));
      backend.upload(MemorySegment.ofArray(table), source);
      backend.upload(MemorySegment.ofArray(rows), indices);
      try {
        backend.elementwise().gather(source, indices, y);
      } catch (IllegalArgumentException e) {
        assertTrue(e.getMessage().contains("of 0 to 2, got -1"), e.getMessage());
        return;
      }
      float[] taken = new float[rows.length * width];
      backend.download(y, MemorySegment.ofArray(taken));
      for (int i = 0; i < taken.length; i++) {
        int row = rows[i / width];
        float expected = row >= 0 && row < 3 ? table[row * width + i % width] : Float.NaN;
        assertEquals(expected, taken[i], "row " + row);
      }
    }
  }
}
