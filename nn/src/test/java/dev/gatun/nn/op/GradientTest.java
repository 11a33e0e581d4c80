package dev.gatun.nn.op;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gatun.nn.NetworkTest;
import dev.gatun.nn.autograd.Randomness;
import dev.gatun.nn.autograd.Tape;
import dev.gatun.nn.autograd.Variable;
import dev.gatun.runtime.memory.DeviceArena;
import dev.gatun.runtime.op.Activation;
import dev.gatun.runtime.op.ConvolutionGeometry;
import dev.gatun.runtime.op.LossFunction;
import dev.gatun.runtime.op.TensorValues;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;
import java.util.Arrays;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every operator's gradient against central differences, (f(x + h) - f(x - h)) / 2h, where f is dy
 * . y for a random dy.
 */
class GradientTest extends NetworkTest {

  private static final double STEP = 0x1p-8;
  private static final double TOLERANCE =
      2e-3; // of the largest gradient: h^2 and fp32 rounding over h

  record Case(String name, Function<Variable[], Variable> operator, Shape... inputs) {
    @Override
    public String toString() {
      return name;
    }
  }

  static Stream<Case> cases() {
    Shape image = Shape.of(2, 5, 5, 4);
    Shape channels = Shape.of(4);
    return Stream.of(
        new Case("silu", x -> Activations.silu(x[0]), image),
        new Case("relu", x -> Activations.relu(x[0]), image),
        new Case("gelu", x -> Activations.gelu(x[0]), image),
        new Case("sine", x -> Activations.sine(x[0]), image),
        new Case("add", x -> Add.add(x[0], x[1]), image, image),
        new Case("add to itself", x -> Add.add(x[0], x[0]), image),
        new Case("add twice", x -> Add.add(Add.add(x[0], x[1]), x[0]), image, image),
        new Case(
            "add per sample", x -> AddPerSample.addPerSample(x[0], x[1]), image, Shape.of(2, 4)),
        new Case(
            "concatenation", x -> Concatenation.concatenate(x), image, Shape.of(2, 5, 5, 3), image),
        new Case(
            "concatenation with itself",
            x -> Concatenation.concatenate(x[0], x[1], x[0]),
            image,
            image),
        new Case(
            "concatenation with what room was left for, and again",
            x -> {
              Variable y =
                  GroupNormalization.groupNormalization(
                      x[0],
                      GroupNormalization.Addends.NONE,
                      x[2],
                      x[2],
                      2,
                      1e-5f,
                      Activation.SILU,
                      4);
              return Add.add(Concatenation.concatenate(y, x[1]), Concatenation.concatenate(y, y));
            },
            image,
            image,
            Shape.of(4)),
        new Case(
            "concatenation, parts used again",
            x ->
                Add.add(
                    Concatenation.concatenate(x[0], x[1]), Concatenation.concatenate(x[1], x[0])),
            image,
            image),
        new Case(
            "convolution 3x3",
            x -> Convolution.convolution(x[0], x[1], x[2], 1, 1),
            image,
            Shape.of(3, 3, 3, 4),
            Shape.of(3)),
        new Case(
            "convolution 2x2, stride 2, no bias",
            x -> Convolution.convolution(x[0], x[1], null, 2, 0),
            image,
            Shape.of(3, 2, 2, 4)),
        new Case(
            "convolution, padding right and below",
            x ->
                Convolution.convolution(
                    x[0], x[1], x[2], new ConvolutionGeometry(2, 4, 4, 3, 3, 3, 2, 0, 0, 2, 2, 2)),
            Shape.of(2, 4, 4, 3),
            Shape.of(2, 3, 3, 3),
            Shape.of(2)),
        new Case(
            "transposed convolution 4x4, stride 2, padding 1",
            x -> TransposedConvolution.transposedConvolution(x[0], x[1], x[2], 2, 1, 0),
            Shape.of(2, 3, 3, 4),
            Shape.of(4, 4, 4, 3),
            Shape.of(3)),
        new Case(
            "transposed convolution 2x2, stride 2, output padding 1, no bias",
            x -> TransposedConvolution.transposedConvolution(x[0], x[1], null, 2, 0, 1),
            Shape.of(2, 3, 3, 4),
            Shape.of(4, 2, 2, 3)),
        new Case(
            "linear",
            x -> Linear.linear(x[0], x[1], x[2]),
            Shape.of(5, 4),
            Shape.of(3, 4),
            Shape.of(3)),
        new Case(
            "linear on an image, no bias",
            x -> Linear.linear(x[0], x[1], null),
            image,
            Shape.of(3, 4)),
        new Case(
            "group normalization",
            x ->
                GroupNormalization.groupNormalization(
                    x[0], x[1], x[2], 2, 1e-5f, Activation.IDENTITY),
            image,
            channels,
            channels),
        new Case(
            "group normalization with silu",
            x -> GroupNormalization.groupNormalization(x[0], x[1], x[2], 1, 1e-5f, Activation.SILU),
            image,
            channels,
            channels),
        new Case(
            "group normalization with all addends",
            x ->
                GroupNormalization.groupNormalization(
                    x[0],
                    new GroupNormalization.Addends(x[3], x[4], x[5], x[6]),
                    x[1],
                    x[2],
                    2,
                    1e-5f,
                    Activation.SILU),
            image,
            channels,
            channels,
            channels,
            Shape.of(2, 4),
            Shape.of(2, 4),
            image),
        new Case(
            "group normalization added to its argument",
            x ->
                GroupNormalization.groupNormalization(
                    x[0],
                    GroupNormalization.Addends.NONE.withResidual(x[0]),
                    x[1],
                    x[2],
                    4,
                    1e-5f,
                    Activation.GELU),
            image,
            channels,
            channels),
        new Case(
            "attention",
            x -> Attention.attention(2, x[0], x[1], x[2]),
            Shape.of(2, 3, 3, 4),
            Shape.of(2, 3, 3, 4),
            Shape.of(2, 3, 3, 4)),
        new Case(
            "attention, q is k",
            x -> Attention.attention(1, x[0], x[0], x[1]),
            Shape.of(2, 6, 4),
            Shape.of(2, 6, 4)),
        new Case("self-attention", x -> Attention.selfAttention(2, x[0]), Shape.of(2, 3, 3, 12)),
        new Case("max pool", x -> MaxPool.maxPool(x[0], 2, 2), image),
        new Case("overlapping max pool", x -> MaxPool.maxPool(x[0], 3, 1), image),
        new Case("average pool", x -> AveragePool.averagePool(x[0], 2, 2), image),
        new Case("nearest", x -> NearestResampling.nearest(x[0], 2), image),
        new Case("dropout", x -> Dropout.dropout(x[0], 0.3f, 5), image),
        new Case("reshape", x -> Reshape.reshape(x[0], Shape.of(2, 100)), image),
        new Case("reshape, same channels", x -> Reshape.reshape(x[0], Shape.of(50, 4)), image),
        new Case("mean squared", x -> loss(LossFunction.MEAN_SQUARED, x), image, image),
        new Case("l1", x -> loss(LossFunction.L1, x), image, image),
        new Case("huber", x -> loss(LossFunction.HUBER, x), image, image),
        new Case(
            "sum of two losses",
            x -> Add.add(loss(LossFunction.L1, x), loss(LossFunction.HUBER, x)),
            image,
            image));
  }

  private static Variable loss(LossFunction function, Variable[] x) {
    return Loss.loss(function, x[0], x[1].value());
  }

  @ParameterizedTest
  @MethodSource("cases")
  void gradientIsThatOfDifferences(Case c) {
    check(c.operator, c.inputs);
  }

  /** The same where dy is a channel slice. */
  @ParameterizedTest
  @MethodSource("cases")
  void gradientOfSliceIsThatOfDifferences(Case c) {
    check(
        x -> {
          Variable y = c.operator.apply(x);
          return Concatenation.concatenate(Activations.sine(y), y, y);
        },
        c.inputs);
  }

  private void check(Function<Variable[], Variable> operator, Shape... shapes) {
    Tensor[] inputs = Arrays.stream(shapes).map(this::randomTensor).toArray(Tensor[]::new);
    Tensor step = Tensor.allocate(data, DType.INT32, Shape.of(1));
    TensorValues.write(new double[] {3}, step);
    Randomness randomness = new Randomness(11, step);
    double[][] gradients = new double[inputs.length][];
    Tensor dy;
    boolean[] differentiable = new boolean[inputs.length];
    try (DeviceArena arena = new DeviceArena(backend.memory(), "step")) {
      try (Tape tape = new Tape(backend, arena, DType.FLOAT32, true, randomness)) {
        Variable[] x = Arrays.stream(inputs).map(tape::input).toArray(Variable[]::new);
        Variable y = operator.apply(x);
        dy = randomTensor(y.shape());
        tape.backward(y, dy);
        for (int i = 0; i < x.length; i++) {
          differentiable[i] = i == 0 || !isTarget(x, i);
          if (differentiable[i]) {
            gradients[i] = values(x[i].gradient());
          }
        }
      }
      assertEquals(0, arena.liveBytes(), "bytes that the tape did not give back");
    }
    for (int i = 0; i < inputs.length; i++) {
      if (differentiable[i]) {
        compare(operator, inputs, randomness, dy, i, gradients[i]);
      }
    }
  }

  /** Losses take their target as a plain tensor. */
  private static boolean isTarget(Variable[] x, int i) {
    try {
      x[i].gradient();
      return false;
    } catch (IllegalStateException e) {
      return true;
    }
  }

  private void compare(
      Function<Variable[], Variable> operator,
      Tensor[] inputs,
      Randomness randomness,
      Tensor dy,
      int input,
      double[] gradient) {
    double scale = Math.max(1e-6, Arrays.stream(gradient).map(Math::abs).max().orElseThrow());
    double[] original = values(inputs[input]);
    int stride = Math.max(1, original.length / 40);
    for (int e = 0; e < original.length; e += stride) {
      double[] moved = original.clone();
      moved[e] = original[e] + STEP;
      TensorValues.write(moved, inputs[input]);
      double above = product(operator, inputs, randomness, dy);
      moved[e] = original[e] - STEP;
      TensorValues.write(moved, inputs[input]);
      double below = product(operator, inputs, randomness, dy);
      TensorValues.write(original, inputs[input]);
      double expected = (above - below) / (2 * STEP);
      assertEquals(expected, gradient[e], TOLERANCE * scale, "input " + input + ", element " + e);
    }
  }

  private double product(
      Function<Variable[], Variable> operator, Tensor[] inputs, Randomness randomness, Tensor dy) {
    try (DeviceArena arena = new DeviceArena(backend.memory(), "forward");
        Tape tape = new Tape(backend, arena, DType.FLOAT32, true, randomness)) {
      Variable[] x = Arrays.stream(inputs).map(tape::constant).toArray(Variable[]::new);
      double[] y = values(operator.apply(x).value());
      double[] weights = values(dy);
      double sum = 0;
      for (int i = 0; i < y.length; i++) {
        sum += y[i] * weights[i];
      }
      return sum;
    }
  }

  @ParameterizedTest
  @MethodSource("activations")
  void gradientOfBatchNormalization(Activation f) {
    Tensor mean = tensor(Shape.of(4), 0, 0, 0, 0);
    Tensor variance = tensor(Shape.of(4), 1, 1, 1, 1);
    check(
        x ->
            BatchNormalization.batchNormalization(x[0], x[1], x[2], mean, variance, 1e-5f, 0.1f, f),
        Shape.of(2, 5, 5, 4),
        Shape.of(4),
        Shape.of(4));
  }

  static Stream<Activation> activations() {
    return Stream.of(Activation.IDENTITY, Activation.SILU, Activation.GELU);
  }
}
