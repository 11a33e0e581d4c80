package dev.gatun.runtime.op;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Shape;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@link ParameterUpdate} against the oracle. */
public abstract class ParameterUpdateContract extends OperatorContract {

  @Test
  public void clipScale() {
    for (double sum :
        new double[] {0, 1e-20, 0.25, 1, 1.0001, 100, 1e30, Double.NaN, Double.POSITIVE_INFINITY}) {
      for (float maxNorm : new float[] {0.5f, 1, 1e6f}) {
        try (Trial t = trial("clipScale of sum " + sum + ", maxNorm " + maxNorm)) {
          Twin squares = t.vector("sumOfSquares", sum);
          Twin scale = t.output("scale", DType.FLOAT32, Shape.of(1));
          t.run(b -> b.parameterUpdate().clipScale(squares.on(b), maxNorm, scale.on(b)));
          t.check(scale, Tolerance.of(DType.FLOAT32, 1));
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3, 16, 17, 1000, 100_003})
  public void adamW(int count) {
    AdamSettings[] all = {
      new AdamSettings(0.9f, 0.999f, 1e-8f, 0),
      new AdamSettings(0.8f, 0.95f, 1e-3f, 0.1f),
      new AdamSettings(0, 0, 1e-8f, 0)
    };
    for (AdamSettings settings : all) {
      Shape shape = Shape.of(count);
      try (Trial t = trial("adamW " + settings)) {
        Twin learningRate = t.vector("learningRate", 0.01);
        Twin scale = t.vector("gradientScale", 0.7);
        Twin parameter = t.writes(t.normal("parameter", DType.FLOAT32, shape));
        Twin first = t.writes(t.vector("firstMoment", new double[count]));
        Twin second = t.writes(t.vector("secondMoment", new double[count]));
        Twin rounded = t.output("rounded", DType.BFLOAT16, shape);
        for (int step = 1; step <= 5; step++) {
          Twin number = t.integers("step", step);
          Twin gradient = t.normal("gradient " + step, DType.FLOAT32, shape);
          t.run(
              b ->
                  b.parameterUpdate()
                      .adamW(
                          settings,
                          learningRate.on(b),
                          number.on(b),
                          scale.on(b),
                          gradient.on(b),
                          parameter.on(b),
                          first.on(b),
                          second.on(b),
                          null,
                          rounded.on(b)));
          assertArrayEquals(roundedNumbers(t, parameter), t.download(rounded), "step " + step);
        }
        t.check(rounded, Tolerance.of(DType.BFLOAT16, 1));
        t.check(parameter, Tolerance.of(DType.FLOAT32, 5));
        t.check(first, Tolerance.of(DType.FLOAT32, 5));
        t.check(second, Tolerance.of(DType.FLOAT32, 5));
      }
    }
  }

  /**
   * From zero parameters, what is left is the step itself: bias corrections count in full, late in
   * a training too.
   */
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 10, 1000, 800_000, 20_000_000})
  public void adamWBiasCorrection(int step) {
    Shape shape = Shape.of(257);
    try (Trial t = trial("adamW from zero at step " + step)) {
      Twin learningRate = t.vector("learningRate", 2e-4);
      Twin scale = t.vector("gradientScale", 1);
      Twin number = t.integers("step", step);
      Twin gradient = t.normal("gradient", DType.FLOAT32, shape);
      Twin parameter = t.writes(t.vector("parameter", new double[257]));
      Twin first = t.writes(t.normal("firstMoment", DType.FLOAT32, shape));
      double[] squares = Arrays.stream(t.normals(shape, 0, 1)).map(v -> v * v).toArray();
      Twin second = t.writes(t.vector("secondMoment", squares));
      t.run(
          b ->
              b.parameterUpdate()
                  .adamW(
                      new AdamSettings(0.9f, 0.999f, 1e-8f, 0.01f),
                      learningRate.on(b),
                      number.on(b),
                      scale.on(b),
                      gradient.on(b),
                      parameter.on(b),
                      first.on(b),
                      second.on(b),
                      null,
                      null));
      // An fp32 power of 0.999 leaves 1 - beta2^t with five digits at the first steps.
      t.check(parameter, Tolerance.of(DType.FLOAT32, 1).times(step < 10 ? 40 : 4));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 17, 100_003})
  public void movingAverage(int count) {
    for (double decay : new double[] {0, 0.9, 0.9999, 1}) {
      try (Trial t = trial("movingAverage with decay " + decay)) {
        Twin factor = t.vector("decay", decay);
        Twin parameter = t.normal("parameter", DType.FLOAT32, Shape.of(count));
        Twin average = t.writes(t.normal("average", DType.FLOAT32, Shape.of(count)));
        t.run(b -> b.parameterUpdate().movingAverage(factor.on(b), parameter.on(b), average.on(b)));
        t.check(average, Tolerance.of(DType.FLOAT32, 1));
      }
    }
  }

  /** In one pass as in three: against the oracle, and bit for bit. */
  @ParameterizedTest
  @ValueSource(ints = {1, 3, 17, 2048, 100_003})
  public void adamWWithAverage(int count) {
    AdamSettings settings = new AdamSettings(0.9f, 0.99f, 1e-8f, 0.05f);
    Shape shape = Shape.of(count);
    try (Trial t = trial("adamWWithAverage")) {
      Twin rate = t.vector("learningRate", 0.01);
      Twin scale = t.vector("gradientScale", 0.7);
      Twin step = t.integers("step", 3);
      Twin decay = t.vector("decay", 0.9);
      Twin gradient = t.normal("gradient", DType.FLOAT32, shape);
      double[][] starts = {
        t.normals(shape, 0, 1),
        t.normals(shape, 0, 1),
        Arrays.stream(t.normals(shape, 0, 1)).map(v -> v * v).toArray(),
        t.normals(shape, 0, 1)
      };
      Twin[] one = ranges(t, "one pass", shape, starts);
      Twin[] two = ranges(t, "three passes", shape, starts);
      Twin oneRounded = t.output("rounded, one pass", DType.BFLOAT16, shape);
      Twin twoRounded = t.output("rounded, three passes", DType.BFLOAT16, shape);
      t.run(
          b -> {
            ParameterUpdate ops = b.parameterUpdate();
            ops.adamW(
                settings,
                rate.on(b),
                step.on(b),
                scale.on(b),
                gradient.on(b),
                one[0].on(b),
                one[1].on(b),
                one[2].on(b),
                new ParameterUpdate.Average(decay.on(b), one[3].on(b)),
                oneRounded.on(b));
            ops.adamW(
                settings,
                rate.on(b),
                step.on(b),
                scale.on(b),
                gradient.on(b),
                two[0].on(b),
                two[1].on(b),
                two[2].on(b),
                null,
                null);
            ops.movingAverage(decay.on(b), two[0].on(b), two[3].on(b));
            b.elementwise().copy(two[0].on(b), twoRounded.on(b));
          });
      for (int i = 0; i < one.length; i++) {
        t.check(one[i], Tolerance.of(DType.FLOAT32, 1).times(4));
        assertArrayEquals(t.download(two[i]), t.download(one[i]), one[i].toString());
      }
      t.check(oneRounded, Tolerance.of(DType.BFLOAT16, 1));
      assertArrayEquals(t.download(twoRounded), t.download(oneRounded), "rounded");
    }
  }

  /** An update that moves nothing leaves the numbers themselves to be rounded: ties, too. */
  @Test
  public void roundedIsToNearestEven() {
    double[] numbers = {
      0,
      -0.0,
      1,
      1 + 0x1p-8,
      1 + 0x3p-8,
      1 + 0x1p-8 + 0x1p-20,
      -1 - 0x1p-8,
      -1 - 0x3p-8,
      2 - 0x1p-23,
      0x1.fep127,
      Float.MAX_VALUE,
      -Float.MAX_VALUE,
      Double.POSITIVE_INFINITY,
      Double.NEGATIVE_INFINITY,
      Double.NaN,
      0x1.01p-126,
      3e-30
    };
    try (Trial t = trial("adamW that moves nothing")) {
      Twin nothing = t.vector("learningRate", 0);
      Twin scale = t.vector("gradientScale", 1);
      Twin number = t.integers("step", 1);
      Twin gradient = t.vector("gradient", new double[numbers.length]);
      Twin parameter = t.writes(t.vector("parameter", numbers));
      Twin first = t.writes(t.vector("firstMoment", new double[numbers.length]));
      Twin second = t.writes(t.vector("secondMoment", new double[numbers.length]));
      Twin rounded = t.output("rounded", DType.BFLOAT16, Shape.of(numbers.length));
      t.run(
          b ->
              b.parameterUpdate()
                  .adamW(
                      new AdamSettings(0.9f, 0.999f, 1e-8f, 0),
                      nothing.on(b),
                      number.on(b),
                      scale.on(b),
                      gradient.on(b),
                      parameter.on(b),
                      first.on(b),
                      second.on(b),
                      null,
                      rounded.on(b)));
      t.checkBits(parameter);
      t.checkBits(rounded);
    }
  }

  /** What BFLOAT16 keeps of what the tested backend has in {@code numbers}. */
  private static double[] roundedNumbers(Trial t, Twin numbers) {
    return Arrays.stream(t.download(numbers))
        .map(value -> TensorValues.round(DType.BFLOAT16, value))
        .toArray();
  }

  private static Twin[] ranges(Trial t, String name, Shape shape, double[][] starts) {
    String[] names = {"parameter", "firstMoment", "secondMoment", "average"};
    Twin[] ranges = new Twin[names.length];
    Arrays.setAll(
        ranges,
        i ->
            t.writes(
                t.input(names[i] + ", " + name, DType.FLOAT32, shape, Layout.DENSE, starts[i])));
    return ranges;
  }
}
