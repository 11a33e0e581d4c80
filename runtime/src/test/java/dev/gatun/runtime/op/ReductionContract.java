package dev.gatun.runtime.op;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Shape;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** {@link Reduction} against the oracle. */
public abstract class ReductionContract extends OperatorContract {

  @ParameterizedTest
  @MethodSource("operands")
  public void sumRows(Operands o) {
    try (Trial t = trial("sumRows")) {
      Twin x = t.normal("x", o.in(), o.shape(), o.layout());
      Twin y = t.output("y", DType.FLOAT32, Shape.of(o.shape().channels()));
      t.run(b -> b.reduction().sumRows(x.on(b), y.on(b)));
      t.check(y, Tolerance.of(DType.FLOAT32, o.shape().rows()), Math.sqrt(o.shape().rows()));
    }
  }

  @ParameterizedTest
  @MethodSource("operands")
  public void sumPixels(Operands o) {
    try (Trial t = trial("sumPixels")) {
      Twin x = t.normal("x", o.in(), o.shape(), o.layout());
      Twin y = t.output("y", DType.FLOAT32, Shape.of(o.shape().batch(), o.shape().channels()));
      t.run(b -> b.reduction().sumPixels(x.on(b), y.on(b)));
      t.check(y, Tolerance.of(DType.FLOAT32, o.shape().pixels()), Math.sqrt(o.shape().pixels()));
    }
  }

  @ParameterizedTest
  @MethodSource("operands")
  public void sumOfSquares(Operands o) {
    try (Trial t = trial("sumOfSquares")) {
      Twin x = t.normal("x", o.in(), o.shape(), o.layout());
      Twin y = t.output("y", DType.FLOAT32, Shape.of(1));
      t.run(b -> b.reduction().sumOfSquares(x.on(b), y.on(b)));
      t.check(y, Tolerance.of(DType.FLOAT32, 16));
    }
  }

  @ParameterizedTest
  @MethodSource("operands")
  public void losses(Operands o) {
    for (LossFunction function : LossFunction.values()) {
      try (Trial t = trial("loss " + function)) {
        Twin prediction = t.normal("prediction", o.in(), o.shape(), o.layout());
        Twin target = t.normal("target", o.out(), o.shape(), o.layout());
        Twin loss = t.output("loss", DType.FLOAT32, Shape.of(1));
        Twin gradient = t.output("gradient", o.out(), o.shape(), o.layout());
        t.run(
            b ->
                b.reduction()
                    .loss(function, prediction.on(b), target.on(b), loss.on(b), gradient.on(b)));
        t.check(loss, Tolerance.of(DType.FLOAT32, 16));
        t.check(gradient, Tolerance.of(o.out(), 1));
      }
    }
  }

  /**
   * At e = 0 and at |e| = 1, where the functions are pieced together; equal numbers have no
   * gradient.
   */
  @ParameterizedTest
  @EnumSource(LossFunction.class)
  public void lossesAtTheSeams(LossFunction function) {
    Shape shape = Shape.of(2, 5);
    try (Trial t = trial("loss at the seams " + function)) {
      Twin prediction =
          t.input(
              "prediction",
              DType.FLOAT32,
              shape,
              Layout.DENSE,
              new double[] {0, 1, -1, 2, -2, 3, 0.5, -0.5, 1, 7});
      Twin target =
          t.input(
              "target",
              DType.FLOAT32,
              shape,
              Layout.DENSE,
              new double[] {0, 0, 0, 2, -1, 2, 0.5, 0.5, 3, -7});
      Twin loss = t.output("loss", DType.FLOAT32, Shape.of(1));
      Twin gradient = t.output("gradient", DType.FLOAT32, shape);
      t.run(
          b ->
              b.reduction()
                  .loss(function, prediction.on(b), target.on(b), loss.on(b), gradient.on(b)));
      t.check(loss, Tolerance.of(DType.FLOAT32, 1));
      t.check(gradient, Tolerance.of(DType.FLOAT32, 1));
    }
  }

  /** 1.6 million squares: a running fp32 sum that is not split loses the last digits. */
  @Test
  public void sumOfManySquares() {
    Shape shape = Shape.of(1_600_001);
    try (Trial t = trial("sumOfSquares of many")) {
      Twin x = t.input("x", DType.FLOAT32, shape, Layout.DENSE, t.normals(shape, 1, 0.5));
      Twin y = t.output("y", DType.FLOAT32, Shape.of(1));
      t.run(b -> b.reduction().sumOfSquares(x.on(b), y.on(b)));
      t.check(y, Tolerance.of(DType.FLOAT32, 16));
    }
  }

  /** One NaN is seen: it is how a diverged training is noticed. */
  @Test
  public void nanIsNotLost() {
    Shape shape = Shape.of(3, 7, 7, 17);
    for (int at : new int[] {0, 1000, (int) shape.elements() - 1}) {
      try (Trial t = trial("reductions of a NaN at " + at)) {
        double[] values = t.normals(shape, 0, 1);
        values[at] = Double.NaN;
        Twin x = t.input("x", DType.FLOAT32, shape, Layout.DENSE, values);
        Twin target = t.normal("target", DType.FLOAT32, shape);
        Twin squares = t.output("squares", DType.FLOAT32, Shape.of(1));
        Twin gradient = t.output("gradient", DType.FLOAT32, shape);
        for (LossFunction function : LossFunction.values()) {
          Twin loss = t.output("loss", DType.FLOAT32, Shape.of(1));
          t.run(
              b -> {
                b.elementwise().fill(0, loss.on(b));
                b.elementwise().fill(0, squares.on(b));
                b.reduction().sumOfSquares(x.on(b), squares.on(b));
                b.reduction().loss(function, x.on(b), target.on(b), loss.on(b), gradient.on(b));
              });
          assertTrue(Double.isNaN(t.download(loss)[0]), "loss " + function + " of a NaN");
          assertTrue(
              Double.isNaN(t.download(gradient)[at]), "gradient of " + function + " at a NaN");
          assertTrue(Double.isNaN(t.download(squares)[0]), "sum of squares of a NaN");
        }
      }
    }
  }

  @Test
  public void sameBitsEveryTime() {
    Shape shape = Shape.of(5, 28, 28, 64);
    try (Trial t = trial("sums, again and again")) {
      Twin x = t.normal("x", DType.FLOAT32, shape);
      Twin target = t.normal("target", DType.FLOAT32, shape);
      Twin gradient = t.output("gradient", DType.FLOAT32, shape);
      Twin rows = t.output("rows", DType.FLOAT32, Shape.of(64));
      Twin pixels = t.output("pixels", DType.FLOAT32, Shape.of(5, 64));
      Twin squares = t.output("squares", DType.FLOAT32, Shape.of(1));
      Twin loss = t.output("loss", DType.FLOAT32, Shape.of(1));
      double[][] first = new double[0][];
      for (int round = 0; round < 4; round++) {
        Reduction reduction = tested().reduction();
        reduction.sumRows(x.on(tested()), rows.on(tested()));
        reduction.sumPixels(x.on(tested()), pixels.on(tested()));
        reduction.sumOfSquares(x.on(tested()), squares.on(tested()));
        reduction.loss(
            LossFunction.L1,
            x.on(tested()),
            target.on(tested()),
            loss.on(tested()),
            gradient.on(tested()));
        double[][] sums = {
          t.download(rows), t.download(pixels), t.download(squares), t.download(loss)
        };
        first = round == 0 ? sums : first;
        for (int i = 0; i < sums.length; i++) {
          assertArrayEquals(first[i], sums[i], "sums of round " + round);
        }
      }
    }
  }
}
