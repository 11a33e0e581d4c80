package dev.gatun.runtime.op;

import static java.util.Objects.requireNonNull;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gatun.runtime.tensor.Shape;
import java.util.Arrays;
import java.util.Random;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** The oracle's gradients against central differences, all in double precision. */
final class ReferenceGradientTest {
  private static final double STEP = 1e-5;
  private final Random random = new Random(7);

  /**
   * Checks that {@code gradient[i]} = (L(x + h e_i) - L(x - h e_i)) / 2h, with L(x) = sum_k dy[k]
   * f(x)[k].
   */
  private static void assertGradient(
      String name, double[] x, double[] dy, Function<double[], double[]> f, double[] gradient) {
    assertEquals(x.length, gradient.length, name + ": size of the gradient");
    for (int i = 0; i < x.length; i++) {
      double[] moved = x.clone();
      moved[i] = x[i] + STEP;
      double above = dot(dy, f.apply(moved));
      moved[i] = x[i] - STEP;
      double below = dot(dy, f.apply(moved));
      double difference = (above - below) / (2 * STEP);
      assertEquals(
          difference, gradient[i], 1e-7 * (1 + Math.abs(difference)), name + " by element " + i);
    }
  }

  @ParameterizedTest
  @EnumSource(Activation.class)
  void activation(Activation f) {
    double[] x = normals(200);
    double[] ones = new double[1];
    ones[0] = 1;
    for (double value : x) {
      assertGradient(
          f.toString(),
          new double[] {value},
          ones,
          v -> new double[] {ReferenceActivation.value(f, v[0])},
          new double[] {ReferenceActivation.derivative(f, value)});
    }
    assertEquals(0, ReferenceActivation.derivative(Activation.RELU, 0), "RELU at 0");
  }

  @Test
  void linear() {
    double[] x = normals(4 * 5);
    double[] weight = normals(3 * 5);
    double[] bias = normals(3);
    double[] dy = normals(4 * 3);
    assertGradient(
        "linear x",
        x,
        dy,
        v -> ReferenceMatrixProduct.linear(v, weight, bias, 5, 3),
        ReferenceMatrixProduct.gradientInput(dy, weight, 5, 3));
    assertGradient(
        "linear weight",
        weight,
        dy,
        v -> ReferenceMatrixProduct.linear(x, v, bias, 5, 3),
        ReferenceMatrixProduct.gradientWeight(x, dy, 5, 3));
    assertGradient(
        "linear bias",
        bias,
        dy,
        v -> ReferenceMatrixProduct.linear(x, weight, v, 5, 3),
        ReferenceReduction.sumRows(dy, 3));
  }

  static Stream<ConvolutionGeometry> geometries() {
    return Stream.of(
        ConvolutionGeometry.of(Shape.of(2, 5, 4, 3), 2, 3, 1, 1),
        ConvolutionGeometry.of(Shape.of(1, 7, 6, 2), 3, 4, 2, 1),
        ConvolutionGeometry.of(Shape.of(2, 3, 3, 2), 1, 1, 1, 0),
        ConvolutionGeometry.of(Shape.of(1, 8, 7, 1), 2, 2, 3, 0),
        ConvolutionGeometry.of(Shape.of(1, 4, 5, 2), 2, 7, 1, 3),
        new ConvolutionGeometry(1, 6, 8, 2, 3, 3, 2, 0, 0, 3, 4, 3),
        new ConvolutionGeometry(2, 7, 5, 2, 2, 3, 2, 0, 1, 3, 2, 3));
  }

  @ParameterizedTest
  @MethodSource("geometries")
  void convolution(ConvolutionGeometry g) {
    double[] x = normals(g.inputShape());
    double[] weight = normals(g.weightShape());
    double[] bias = normals(g.outChannels());
    double[] dy = normals(g.outputShape());
    assertGradient(
        "convolution x",
        x,
        dy,
        v -> ReferenceConvolution.forward(g, v, weight, bias),
        ReferenceConvolution.inputGradient(g, dy, weight, null));
    assertGradient(
        "convolution weight",
        weight,
        dy,
        v -> ReferenceConvolution.forward(g, x, v, bias),
        ReferenceConvolution.weightGradient(g, x, dy));
    assertGradient(
        "convolution bias",
        bias,
        dy,
        v -> ReferenceConvolution.forward(g, x, weight, v),
        ReferenceReduction.sumRows(dy, g.outChannels()));
  }

  /**
   * y = inputGradient(x): its gradients are forward and weightGradient, with the roles that {@link
   * Convolution} says.
   */
  @ParameterizedTest
  @MethodSource("geometries")
  void transposedConvolution(ConvolutionGeometry g) {
    double[] x = normals(g.outputShape());
    double[] weight = normals(g.weightShape());
    double[] bias = normals(g.channels());
    double[] dy = normals(g.inputShape());
    assertGradient(
        "transposed convolution x",
        x,
        dy,
        v -> ReferenceConvolution.inputGradient(g, v, weight, bias),
        ReferenceConvolution.forward(g, dy, weight, null));
    assertGradient(
        "transposed convolution weight",
        weight,
        dy,
        v -> ReferenceConvolution.inputGradient(g, x, v, bias),
        ReferenceConvolution.weightGradient(g, dy, x));
    assertGradient(
        "transposed convolution bias",
        bias,
        dy,
        v -> ReferenceConvolution.inputGradient(g, x, weight, v),
        ReferenceReduction.sumRows(dy, g.channels()));
  }

  /**
   * One pixel worked by hand: x [1,1,2,1] = (2, 3), a kernel (5, 7) without padding, bias 1: 1 + 10
   * + 21.
   */
  @Test
  void convolutionByHand() {
    var g = new ConvolutionGeometry(1, 1, 2, 1, 1, 2, 1, 0, 0, 1, 1, 1);
    double[] y =
        ReferenceConvolution.forward(g, new double[] {2, 3}, new double[] {5, 7}, new double[] {1});
    assertEquals(32, y[0]);
    var padded = new ConvolutionGeometry(1, 1, 2, 1, 1, 2, 1, 0, 1, 1, 3, 1);
    double[] row =
        ReferenceConvolution.forward(padded, new double[] {2, 3}, new double[] {5, 7}, null);
    assertEquals("[14.0, 31.0, 15.0]", Arrays.toString(row));
  }

  @ParameterizedTest
  @EnumSource(Activation.class)
  void normalization(Activation f) {
    double epsilon = 1e-5;
    double[] gamma = normals(6);
    double[] beta = normals(6);
    double[] x = normals(2 * 5 * 6);
    double[] dy = normals(x.length);
    for (NormalizedSets sets :
        new NormalizedSets[] {
          NormalizedSets.ofGroups(x.length, 2, 6, 1),
          NormalizedSets.ofGroups(x.length, 2, 6, 3),
          NormalizedSets.ofGroups(x.length, 2, 6, 6),
          NormalizedSets.ofChannels(x.length, 6)
        }) {
      double[] mean = sets.mean(x);
      double[] rstd = NormalizedSets.reciprocalRoot(sets.variance(x), epsilon);
      double[][] gradients = sets.gradient(f, x, gamma, beta, mean, rstd, dy);
      assertGradient(
          "normalization x",
          x,
          dy,
          v ->
              sets.forward(
                  f,
                  v,
                  gamma,
                  beta,
                  sets.mean(v),
                  NormalizedSets.reciprocalRoot(sets.variance(v), epsilon)),
          gradients[0]);
      assertGradient(
          "gamma", gamma, dy, v -> sets.forward(f, x, v, beta, mean, rstd), gradients[1]);
      assertGradient("beta", beta, dy, v -> sets.forward(f, x, gamma, v, mean, rstd), gradients[2]);
    }
  }

  /** y = f(GN(x + bias + before)) + after + residual by each of its arguments. */
  @ParameterizedTest
  @EnumSource(Activation.class)
  void normalizationWithAddends(Activation f) {
    int batch = 2;
    int channels = 6;
    double[] gamma = normals(channels);
    double[] beta = normals(channels);
    double[] x = normals(batch * 5 * channels);
    double[] dy = normals(x.length);
    var addends =
        new ReferenceAddends(
            normals(channels),
            normals(batch * channels),
            normals(batch * channels),
            normals(x.length));
    NormalizedSets sets = NormalizedSets.ofGroups(x.length, batch, channels, 3);
    BiFunction<double[], ReferenceAddends, double[]> forward =
        (v, added) -> {
          double[] u = added.addBefore(v, batch);
          double[] rstd = NormalizedSets.reciprocalRoot(sets.variance(u), 1e-5);
          return added.addBehind(sets.forward(f, u, gamma, beta, sets.mean(u), rstd), batch);
        };
    double[] u = addends.addBefore(x, batch);
    double[] rstd = NormalizedSets.reciprocalRoot(sets.variance(u), 1e-5);
    double[] dx = sets.gradient(f, u, gamma, beta, sets.mean(u), rstd, dy)[0];
    var gradients = ReferenceAddends.gradients(dx, dy, batch, channels);
    assertGradient("x", x, dy, v -> forward.apply(v, addends), dx);
    assertGradient(
        "bias",
        requireNonNull(addends.bias()),
        dy,
        v ->
            forward.apply(
                x, new ReferenceAddends(v, addends.before(), addends.after(), addends.residual())),
        requireNonNull(gradients.bias()));
    assertGradient(
        "before",
        requireNonNull(addends.before()),
        dy,
        v ->
            forward.apply(
                x, new ReferenceAddends(addends.bias(), v, addends.after(), addends.residual())),
        requireNonNull(gradients.before()));
    assertGradient(
        "after",
        requireNonNull(addends.after()),
        dy,
        v ->
            forward.apply(
                x, new ReferenceAddends(addends.bias(), addends.before(), v, addends.residual())),
        requireNonNull(gradients.after()));
    assertGradient(
        "residual",
        requireNonNull(addends.residual()),
        dy,
        v ->
            forward.apply(
                x, new ReferenceAddends(addends.bias(), addends.before(), addends.after(), v)),
        requireNonNull(gradients.residual()));
  }

  /** Each group of each sample has mean 0 and variance 1 afterwards. */
  @Test
  void groupsAreNormalized() {
    double[] x = Arrays.stream(normals(2 * 50 * 6)).map(v -> 3 + 2 * v).toArray();
    NormalizedSets sets = NormalizedSets.ofGroups(x.length, 2, 6, 3);
    double[] rstd = NormalizedSets.reciprocalRoot(sets.variance(x), 0);
    double[] ones = new double[6];
    Arrays.fill(ones, 1);
    double[] y = sets.forward(Activation.IDENTITY, x, ones, new double[6], sets.mean(x), rstd);
    for (int n = 0; n < 2; n++) {
      for (int group = 0; group < 3; group++) {
        double sum = 0;
        double squares = 0;
        for (int p = 0; p < 50; p++) {
          for (int c = 2 * group; c < 2 * group + 2; c++) {
            double value = y[(n * 50 + p) * 6 + c];
            sum += value;
            squares += value * value;
          }
        }
        assertEquals(0, sum / 100, 1e-12);
        assertEquals(1, squares / 100, 1e-12);
      }
    }
  }

  @Test
  void attention() {
    for (var e :
        new ReferenceAttention.Extents[] {
          new ReferenceAttention.Extents(1, 1, 1, 3),
          new ReferenceAttention.Extents(2, 5, 1, 4),
          new ReferenceAttention.Extents(2, 4, 3, 2)
        }) {
      int size = e.batch() * e.tokens() * e.heads() * e.size();
      double[] q = normals(size);
      double[] k = normals(size);
      double[] v = normals(size);
      double[] dout = normals(size);
      double[][] gradients = ReferenceAttention.gradient(e, q, k, v, dout);
      assertGradient("q", q, dout, z -> ReferenceAttention.forward(e, z, k, v)[0], gradients[0]);
      assertGradient("k", k, dout, z -> ReferenceAttention.forward(e, q, z, v)[0], gradients[1]);
      assertGradient("v", v, dout, z -> ReferenceAttention.forward(e, q, k, z)[0], gradients[2]);
    }
  }

  /** Two tokens worked by hand: scores 0 and ln 3 give weights 1/4 and 3/4. */
  @Test
  void attentionByHand() {
    var e = new ReferenceAttention.Extents(1, 2, 1, 1);
    double[][] results =
        ReferenceAttention.forward(
            e, new double[] {1, 0}, new double[] {0, Math.log(3)}, new double[] {10, 20});
    assertEquals(17.5, results[0][0], 1e-12);
    assertEquals(15, results[0][1], 1e-12);
    assertEquals(Math.log(4), results[1][0], 1e-12);
    assertEquals(Math.log(2), results[1][1], 1e-12);
  }

  @Test
  void pooling() {
    Shape x = Shape.of(2, 5, 7, 3);
    for (int[] window : new int[][] {{2, 2}, {3, 2}, {2, 1}, {2, 3}}) {
      int kernel = window[0];
      int stride = window[1];
      Shape y = Shape.of(2, (5 - kernel) / stride + 1, (7 - kernel) / stride + 1, 3);
      double[] values = normals(x);
      double[] dy = normals(y);
      assertGradient(
          "average pool",
          values,
          dy,
          v -> ReferenceResampling.averagePool(kernel, stride, x, y, v),
          ReferenceResampling.averagePoolGradient(kernel, stride, x, y, dy));
      double[] places = ReferenceResampling.maxPool(kernel, stride, x, y, values)[1];
      assertGradient(
          "max pool",
          values,
          dy,
          v -> ReferenceResampling.maxPool(kernel, stride, x, y, v)[0],
          ReferenceResampling.maxPoolGradient(kernel, stride, x, y, dy, places));
    }
  }

  @Test
  void nearest() {
    Shape x = Shape.of(2, 2, 3, 2);
    Shape y = Shape.of(2, 6, 9, 2);
    double[] values = normals(x);
    double[] dy = normals(y);
    assertGradient(
        "nearest",
        values,
        dy,
        v -> ReferenceResampling.nearest(3, x, y, v),
        ReferenceResampling.nearestGradient(3, x, y, dy));
    double[] enlarged = ReferenceResampling.nearest(3, x, y, values);
    for (int i = 0; i < 6; i++) {
      for (int j = 0; j < 9; j++) {
        assertEquals(
            values[((2 + i / 3) * 3 + j / 3) * 2 + 1], enlarged[((6 + i) * 9 + j) * 2 + 1]);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(LossFunction.class)
  void loss(LossFunction function) {
    double[] prediction = normals(50);
    double[] target = normals(50);
    assertGradient(
        function.toString(),
        prediction,
        new double[] {1},
        v -> new double[] {ReferenceReduction.loss(function, v, target)},
        ReferenceReduction.lossGradient(function, prediction, target));
  }

  /** Values of Abramowitz and Stegun, table 7.1, and of erfc at 3, 5 and 10. */
  @Test
  void errorFunction() {
    assertEquals(0, ErrorFunction.erf(0));
    assertEquals(0.5204998778130465, ErrorFunction.erf(0.5), 1e-15);
    assertEquals(-0.8427007929497149, ErrorFunction.erf(-1), 1e-15);
    assertEquals(0.9953222650189527, ErrorFunction.erf(2), 1e-15);
    assertEquals(2.209049699858544e-5, ErrorFunction.erfc(3), 1e-18);
    assertEquals(1.5374597944280349e-12, ErrorFunction.erfc(5), 1e-25);
    assertEquals(2.088487583762545e-45, ErrorFunction.erfc(10), 1e-57);
    assertEquals(2, ErrorFunction.erfc(-10), 1e-15);
    for (double x = -4; x < 4; x += 0.01) { // both branches, and where they meet
      double slope = (ErrorFunction.erf(x + STEP) - ErrorFunction.erf(x - STEP)) / (2 * STEP);
      assertEquals(2 / Math.sqrt(Math.PI) * Math.exp(-x * x), slope, 1e-9, "slope of erf at " + x);
    }
  }

  private double[] normals(int count) {
    double[] values = new double[count];
    Arrays.setAll(values, i -> random.nextGaussian());
    return values;
  }

  private double[] normals(Shape shape) {
    return normals((int) shape.elements());
  }

  private static double dot(double[] a, double[] b) {
    assertEquals(a.length, b.length, "size of the result");
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += a[i] * b[i];
    }
    return sum;
  }
}
