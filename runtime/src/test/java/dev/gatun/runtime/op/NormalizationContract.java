package dev.gatun.runtime.op;

import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** {@link Normalization} against the oracle. */
public abstract class NormalizationContract extends OperatorContract {
  private static final float EPSILON = 1e-5f;

  /** Samples and groups of a group normalization, and the activation that follows. */
  public record Groups(Operands o, int groups, Activation f) {
    @Override
    public String toString() {
      return o + " groups " + groups + " " + f;
    }
  }

  public static Stream<Groups> groups() {
    record Extents(Shape shape, int groups) {}
    List<Extents> extents =
        List.of(
            new Extents(Shape.of(1, 1, 1, 8), 2),
            new Extents(Shape.of(2, 3, 5, 3), 1),
            new Extents(Shape.of(3, 7, 7, 5), 5),
            new Extents(Shape.of(1, 28, 28, 8), 1),
            new Extents(Shape.of(5, 3, 5, 16), 4),
            new Extents(Shape.of(2, 7, 7, 17), 17),
            new Extents(Shape.of(3, 1, 1, 64), 32),
            new Extents(Shape.of(1, 7, 7, 100), 5),
            new Extents(Shape.of(2, 28, 28, 1), 1),
            new Extents(Shape.of(2, 14, 14, 64), 8),
            new Extents(Shape.of(2, 7, 7, 96), 32),
            new Extents(Shape.of(5, 33), 3),
            new Extents(Shape.of(2, 48, 48, 32), 1)); // too large for a GPU's shared memory
    Activation[] activations = Activation.values();
    return Stream.iterate(0, i -> i + 1)
        .limit(extents.size())
        .flatMap(
            i ->
                operands(extents.get(i).shape)
                    .flatMap(
                        o ->
                            Stream.of(
                                    Activation.IDENTITY,
                                    activations[1 + (i + o.layout().before()) % 4])
                                .map(f -> new Groups(o, extents.get(i).groups, f))));
  }

  public static Stream<Groups> channels() {
    return operands()
        .filter(o -> o.shape().rows() > 1)
        .flatMap(
            o ->
                Stream.of(Activation.IDENTITY, Activation.RELU, Activation.SILU)
                    .map(f -> new Groups(o, 0, f)));
  }

  @ParameterizedTest
  @MethodSource("groups")
  public void groupNorm(Groups c) {
    Operands o = c.o;
    Shape perGroup = Shape.of(o.shape().batch(), c.groups);
    try (Trial t = trial("groupNorm " + c)) {
      Twin x = t.input("x", o.in(), o.shape(), o.layout(), t.normals(o.shape(), 0.5, 2));
      Twin gamma = t.normal("gamma", DType.FLOAT32, Shape.of(o.shape().channels()));
      Twin beta = t.normal("beta", DType.FLOAT32, Shape.of(o.shape().channels()));
      Twin y = t.output("y", o.out(), o.shape(), o.layout());
      Twin mean = t.output("mean", DType.FLOAT32, perGroup);
      Twin rstd = t.output("rstd", DType.FLOAT32, perGroup);
      t.run(
          b ->
              b.normalization()
                  .groupNorm(
                      c.groups,
                      EPSILON,
                      c.f,
                      x.on(b),
                      gamma.on(b),
                      beta.on(b),
                      y.on(b),
                      mean.on(b),
                      rstd.on(b)));
      long size = o.shape().elements() / perGroup.elements();
      t.check(mean, Tolerance.of(DType.FLOAT32, 1), 2);
      t.check(rstd, statistic(size));
      t.check(y, Tolerance.of(o.out(), 16), 3);
    }
  }

  @ParameterizedTest
  @MethodSource("groups")
  public void groupNormGradient(Groups c) {
    Operands o = c.o;
    Shape perGroup = Shape.of(o.shape().batch(), c.groups);
    Shape perChannel = Shape.of(o.shape().channels());
    try (Trial t = trial("groupNormGradient " + c)) {
      Twin x = t.normal("x", o.in(), o.shape(), o.layout());
      Twin gamma = t.normal("gamma", DType.FLOAT32, perChannel);
      Twin beta = t.normal("beta", DType.FLOAT32, perChannel);
      double[] values = TensorValues.read(x.expected);
      NormalizedSets sets =
          NormalizedSets.ofGroups(values.length, o.shape().batch(), o.shape().channels(), c.groups);
      double[] rstds = NormalizedSets.reciprocalRoot(sets.variance(values), EPSILON);
      Twin mean = t.input("mean", DType.FLOAT32, perGroup, Layout.DENSE, sets.mean(values));
      Twin rstd = t.input("rstd", DType.FLOAT32, perGroup, Layout.DENSE, rstds);
      Twin dy = t.normal("dy", o.out(), o.shape(), o.layout());
      Twin dx = t.output("dx", o.out(), o.shape(), o.layout());
      Twin dgamma = t.output("dgamma", DType.FLOAT32, perChannel);
      Twin dbeta = t.output("dbeta", DType.FLOAT32, perChannel);
      t.run(
          b ->
              b.normalization()
                  .groupNormGradient(
                      c.groups,
                      c.f,
                      x.on(b),
                      gamma.on(b),
                      beta.on(b),
                      mean.on(b),
                      rstd.on(b),
                      dy.on(b),
                      dx.on(b),
                      dgamma.on(b),
                      dbeta.on(b)));
      checkGradients(t, o, sets.size(), rstds, dx, dgamma, dbeta);
    }
  }

  @ParameterizedTest
  @EnumSource(Activation.class)
  public void groupNormInPlace(Activation f) {
    for (DType dtype : new DType[] {DType.FLOAT32, DType.BFLOAT16}) {
      Shape shape = Shape.of(2, 7, 7, 24);
      Shape perGroup = Shape.of(2, 8);
      try (Trial t = trial("groupNorm and its gradient in place, " + f)) {
        Twin x = t.normal("x", dtype, shape, Layout.SLICE);
        Twin y = t.writes(t.input("y", dtype, shape, Layout.SLICE, TensorValues.read(x.expected)));
        Twin gamma = t.normal("gamma", DType.FLOAT32, Shape.of(24));
        Twin beta = t.normal("beta", DType.FLOAT32, Shape.of(24));
        Twin mean = t.output("mean", DType.FLOAT32, perGroup);
        Twin rstd = t.output("rstd", DType.FLOAT32, perGroup);
        Twin dx = t.writes(t.normal("dx", dtype, shape, Layout.SLICE));
        Twin dgamma = t.output("dgamma", DType.FLOAT32, Shape.of(24));
        Twin dbeta = t.output("dbeta", DType.FLOAT32, Shape.of(24));
        t.run(
            b -> {
              b.normalization()
                  .groupNorm(
                      8,
                      EPSILON,
                      f,
                      y.on(b),
                      gamma.on(b),
                      beta.on(b),
                      y.on(b),
                      mean.on(b),
                      rstd.on(b));
              b.normalization()
                  .groupNormGradient(
                      8,
                      f,
                      x.on(b),
                      gamma.on(b),
                      beta.on(b),
                      mean.on(b),
                      rstd.on(b),
                      dx.on(b),
                      dx.on(b),
                      dgamma.on(b),
                      dbeta.on(b));
            });
        t.check(y, Tolerance.of(dtype, 16), 3);
        t.check(dx, Tolerance.of(dtype, 16));
      }
    }
  }

  /** Which of the four addends there are, by bits: bias, before, after, residual. */
  public record Added(Groups of, int which) {
    boolean has(int addend) {
      return (which >> addend & 1) != 0;
    }

    @Override
    public String toString() {
      String names = "";
      for (int i = 0; i < 4; i++) {
        names += has(i) ? " " + List.of("bias", "before", "after", "residual").get(i) : "";
      }
      return of + " with" + names;
    }
  }

  /**
   * Each addend with and without the others. Not on groups of two elements: what the sum of x and
   * the addends is rounded by is a large part of their difference.
   */
  public static Stream<Added> added() {
    return groups()
        .filter(g -> g.f != Activation.IDENTITY)
        .filter(g -> g.o.shape().pixels() * g.o.shape().channels() / g.groups > 2)
        .flatMap(g -> Stream.of(1, 6, 8, 15).map(which -> new Added(g, which)));
  }

  /** The addends of a trial; those that {@code of} has not are null. */
  private record AddedTwins(
      @Nullable Twin bias, @Nullable Twin before, @Nullable Twin after, @Nullable Twin residual) {

    /** Inputs, or outputs where {@code gradients}; the residual's gradient is none of them. */
    static AddedTwins of(Trial t, Added a, boolean gradients) {
      Operands o = a.of.o;
      Shape channels = Shape.of(o.shape().channels());
      Shape perSample = Shape.of(o.shape().batch(), o.shape().channels());
      Layout layout = o.layout();
      String d = gradients ? "d" : "";
      return new AddedTwins(
          a.has(0) ? twin(t, d + "bias", DType.FLOAT32, channels, Layout.DENSE, gradients) : null,
          a.has(1) ? twin(t, d + "before", o.in(), perSample, layout, gradients) : null,
          a.has(2) ? twin(t, d + "after", o.out(), perSample, layout, gradients) : null,
          a.has(3) && !gradients ? twin(t, "residual", o.in(), o.shape(), layout, false) : null);
    }

    private static Twin twin(
        Trial t, String name, DType dtype, Shape shape, Layout layout, boolean output) {
      return output ? t.output(name, dtype, shape, layout) : t.normal(name, dtype, shape, layout);
    }

    Addends on(Backend b) {
      return new Addends(on(b, bias), on(b, before), on(b, after), on(b, residual));
    }

    private static @Nullable Tensor on(Backend b, @Nullable Twin twin) {
      return twin == null ? null : twin.on(b);
    }
  }

  @ParameterizedTest
  @MethodSource("added")
  public void groupNormWithAddends(Added a) {
    Groups c = a.of;
    Operands o = c.o;
    Shape perChannel = Shape.of(o.shape().channels());
    Shape perGroup = Shape.of(o.shape().batch(), c.groups);
    try (Trial t = trial("groupNorm " + a)) {
      Twin x = t.input("x", o.in(), o.shape(), o.layout(), t.normals(o.shape(), 0.5, 2));
      Twin gamma = t.normal("gamma", DType.FLOAT32, perChannel);
      Twin beta = t.normal("beta", DType.FLOAT32, perChannel);
      AddedTwins addends = AddedTwins.of(t, a, false);
      boolean inPlace = o.in() == o.out() && o.layout().before() > 0;
      Twin y = inPlace ? t.writes(x) : t.output("y", o.out(), o.shape(), o.layout());
      Twin mean = t.output("mean", DType.FLOAT32, perGroup);
      Twin rstd = t.output("rstd", DType.FLOAT32, perGroup);
      t.run(
          b ->
              b.normalization()
                  .groupNorm(
                      c.groups,
                      EPSILON,
                      c.f,
                      x.on(b),
                      addends.on(b),
                      gamma.on(b),
                      beta.on(b),
                      y.on(b),
                      mean.on(b),
                      rstd.on(b)));
      long size = o.shape().elements() / perGroup.elements();
      t.check(mean, Tolerance.of(DType.FLOAT32, 4), 3);
      t.check(rstd, statistic(size));
      t.check(y, Tolerance.of(o.out(), 16), 3);
    }
  }

  @ParameterizedTest
  @MethodSource("added")
  public void groupNormGradientWithAddends(Added a) {
    Groups c = a.of;
    Operands o = c.o;
    Shape perGroup = Shape.of(o.shape().batch(), c.groups);
    Shape perChannel = Shape.of(o.shape().channels());
    try (Trial t = trial("groupNormGradient " + a)) {
      Twin x = t.normal("x", o.in(), o.shape(), o.layout());
      Twin gamma = t.normal("gamma", DType.FLOAT32, perChannel);
      Twin beta = t.normal("beta", DType.FLOAT32, perChannel);
      AddedTwins addends = AddedTwins.of(t, a, false);
      int batch = o.shape().batch();
      double[] values =
          ReferenceAddends.of(addends.on(t.reference()))
              .addBefore(TensorValues.read(x.expected), batch);
      NormalizedSets sets =
          NormalizedSets.ofGroups(values.length, batch, o.shape().channels(), c.groups);
      double[] rstds = NormalizedSets.reciprocalRoot(sets.variance(values), EPSILON);
      Twin mean = t.input("mean", DType.FLOAT32, perGroup, Layout.DENSE, sets.mean(values));
      Twin rstd = t.input("rstd", DType.FLOAT32, perGroup, Layout.DENSE, rstds);
      Twin dy = t.normal("dy", o.out(), o.shape(), o.layout());
      Twin dx = t.output("dx", o.out(), o.shape(), o.layout());
      Twin dgamma = t.output("dgamma", DType.FLOAT32, perChannel);
      Twin dbeta = t.output("dbeta", DType.FLOAT32, perChannel);
      AddedTwins gradients = AddedTwins.of(t, a, true);
      t.run(
          b ->
              b.normalization()
                  .groupNormGradient(
                      c.groups,
                      c.f,
                      x.on(b),
                      addends.on(b),
                      gamma.on(b),
                      beta.on(b),
                      mean.on(b),
                      rstd.on(b),
                      dy.on(b),
                      dx.on(b),
                      dgamma.on(b),
                      dbeta.on(b),
                      gradients.on(b)));
      checkGradients(t, o, sets.size(), rstds, dx, dgamma, dbeta);
      // Sums of dx cancel, to zero where a group is one channel.
      double largest = Math.max(1, Arrays.stream(rstds).max().orElseThrow());
      long pixels = o.shape().rows() / batch;
      if (gradients.bias != null) {
        t.check(
            gradients.bias,
            Tolerance.of(DType.FLOAT32, o.shape().rows()),
            largest * Math.sqrt(o.shape().rows()));
      }
      if (gradients.before != null) {
        t.check(gradients.before, Tolerance.of(o.in(), pixels), largest * Math.sqrt(pixels));
      }
      if (gradients.after != null) {
        t.check(gradients.after, Tolerance.of(o.out(), pixels), Math.sqrt(pixels));
      }
    }
  }

  /**
   * A mean of thirty deviations: E[x^2] - E[x]^2 would lose a thousand times what two passes or
   * Welford's method lose.
   */
  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"FLOAT32", "BFLOAT16"})
  public void statisticsDoNotCancel(DType dtype) {
    Shape shape = Shape.of(2, 28, 28, 16);
    Shape perGroup = Shape.of(2, 4);
    try (Trial t = trial("groupNorm far from zero")) {
      Twin x = t.input("x", dtype, shape, Layout.DENSE, t.normals(shape, 30, 1));
      Twin gamma = t.normal("gamma", DType.FLOAT32, Shape.of(16));
      Twin beta = t.normal("beta", DType.FLOAT32, Shape.of(16));
      Twin y = t.output("y", dtype, shape);
      Twin mean = t.output("mean", DType.FLOAT32, perGroup);
      Twin rstd = t.output("rstd", DType.FLOAT32, perGroup);
      t.run(
          b ->
              b.normalization()
                  .groupNorm(
                      4,
                      EPSILON,
                      Activation.SILU,
                      x.on(b),
                      gamma.on(b),
                      beta.on(b),
                      y.on(b),
                      mean.on(b),
                      rstd.on(b)));
      t.check(mean, Tolerance.of(DType.FLOAT32, 1));
      t.check(rstd, Tolerance.of(DType.FLOAT32, 100));
      t.check(y, Tolerance.of(dtype, 1000));
    }
  }

  @ParameterizedTest
  @MethodSource("channels")
  public void batchNorm(Groups c) {
    Operands o = c.o;
    Shape perChannel = Shape.of(o.shape().channels());
    try (Trial t = trial("batchNorm " + c)) {
      Twin x = t.input("x", o.in(), o.shape(), o.layout(), t.normals(o.shape(), 0.5, 2));
      Twin gamma = t.normal("gamma", DType.FLOAT32, perChannel);
      Twin beta = t.normal("beta", DType.FLOAT32, perChannel);
      Twin runningMean = t.writes(t.normal("runningMean", DType.FLOAT32, perChannel));
      Twin runningVariance = t.writes(t.normal("runningVariance", DType.FLOAT32, perChannel));
      Twin y = t.output("y", o.out(), o.shape(), o.layout());
      Twin mean = t.output("mean", DType.FLOAT32, perChannel);
      Twin rstd = t.output("rstd", DType.FLOAT32, perChannel);
      t.run(
          b ->
              b.normalization()
                  .batchNorm(
                      EPSILON,
                      0.1f,
                      c.f,
                      x.on(b),
                      gamma.on(b),
                      beta.on(b),
                      runningMean.on(b),
                      runningVariance.on(b),
                      y.on(b),
                      mean.on(b),
                      rstd.on(b)));
      t.check(mean, Tolerance.of(DType.FLOAT32, 1), 2);
      t.check(rstd, statistic(o.shape().rows()));
      t.check(runningMean, Tolerance.of(DType.FLOAT32, 16), 1);
      t.check(runningVariance, Tolerance.of(DType.FLOAT32, 16), 1);
      t.check(y, Tolerance.of(o.out(), 16), 3);
    }
  }

  @ParameterizedTest
  @MethodSource("channels")
  public void batchNormInference(Groups c) {
    Operands o = c.o;
    Shape perChannel = Shape.of(o.shape().channels());
    try (Trial t = trial("batchNormInference " + c)) {
      boolean inPlace = o.in() == o.out() && o.layout().before() > 0;
      Twin x = t.normal("x", o.in(), o.shape(), o.layout());
      Twin gamma = t.normal("gamma", DType.FLOAT32, perChannel);
      Twin beta = t.normal("beta", DType.FLOAT32, perChannel);
      Twin mean = t.normal("mean", DType.FLOAT32, perChannel);
      double[] variances =
          Arrays.stream(t.normals(perChannel, 0, 1)).map(v -> 0.1 + v * v).toArray();
      Twin variance = t.input("variance", DType.FLOAT32, perChannel, Layout.DENSE, variances);
      Twin y = inPlace ? t.writes(x) : t.output("y", o.out(), o.shape(), o.layout());
      t.run(
          b ->
              b.normalization()
                  .batchNormInference(
                      EPSILON,
                      c.f,
                      x.on(b),
                      gamma.on(b),
                      beta.on(b),
                      mean.on(b),
                      variance.on(b),
                      y.on(b)));
      t.check(y, Tolerance.of(o.out(), 4));
    }
  }

  @ParameterizedTest
  @MethodSource("channels")
  public void batchNormGradient(Groups c) {
    Operands o = c.o;
    Shape perChannel = Shape.of(o.shape().channels());
    try (Trial t = trial("batchNormGradient " + c)) {
      Twin x = t.normal("x", o.in(), o.shape(), o.layout());
      Twin gamma = t.normal("gamma", DType.FLOAT32, perChannel);
      Twin beta = t.normal("beta", DType.FLOAT32, perChannel);
      double[] values = TensorValues.read(x.expected);
      NormalizedSets sets = NormalizedSets.ofChannels(values.length, o.shape().channels());
      double[] rstds = NormalizedSets.reciprocalRoot(sets.variance(values), EPSILON);
      Twin mean = t.input("mean", DType.FLOAT32, perChannel, Layout.DENSE, sets.mean(values));
      Twin rstd = t.input("rstd", DType.FLOAT32, perChannel, Layout.DENSE, rstds);
      boolean inPlace = o.layout().before() > 0;
      Twin dy = t.normal("dy", o.out(), o.shape(), o.layout());
      Twin dx = inPlace ? t.writes(dy) : t.output("dx", o.out(), o.shape(), o.layout());
      Twin dgamma = t.output("dgamma", DType.FLOAT32, perChannel);
      Twin dbeta = t.output("dbeta", DType.FLOAT32, perChannel);
      t.run(
          b ->
              b.normalization()
                  .batchNormGradient(
                      c.f,
                      x.on(b),
                      gamma.on(b),
                      beta.on(b),
                      mean.on(b),
                      rstd.on(b),
                      dy.on(b),
                      dx.on(b),
                      dgamma.on(b),
                      dbeta.on(b)));
      checkGradients(t, o, sets.size(), rstds, dx, dgamma, dbeta);
    }
  }

  /** Of few elements, rstd depends on differences of which the mean's rounding is a part. */
  private static Tolerance statistic(long size) {
    return Tolerance.of(DType.FLOAT32, size < 8 ? 100 : 16);
  }

  private static void checkGradients(
      Trial t, Operands o, int setSize, double[] rstds, Twin dx, Twin dgamma, Twin dbeta) {
    double largest = Arrays.stream(rstds).max().orElseThrow();
    // Where gamma and dy are large, so is what the rounding of the activation's argument does.
    t.check(dx, Tolerance.of(o.out(), 16).withOutliers(2), setSize < 8 ? largest : 0);
    double magnitude = Math.sqrt(o.shape().rows());
    t.check(
        dgamma,
        Tolerance.of(DType.FLOAT32, o.shape().rows()),
        setSize < 8 ? magnitude * largest : magnitude);
    t.check(dbeta, Tolerance.of(DType.FLOAT32, o.shape().rows()), magnitude);
  }
}
