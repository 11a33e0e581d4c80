package dev.gatun.nn.op;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.nn.NetworkTest;
import dev.gatun.nn.autograd.Randomness;
import dev.gatun.nn.autograd.Tape;
import dev.gatun.nn.autograd.Variable;
import dev.gatun.runtime.op.Activation;
import dev.gatun.runtime.op.TensorValues;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/**
 * What operators compute, checked where this layer has a part in it, and what they say when they
 * cannot.
 */
class OperatorTest extends NetworkTest {

  /** The definition by scattering: each input pixel adds its kernel to the output. */
  @Test
  void transposedConvolutionScatters() {
    int channels = 3;
    int outChannels = 2;
    for (int[] setting :
        new int[][] {{4, 2, 1, 0}, {2, 2, 0, 1}, {3, 3, 0, 0}, {3, 2, 1, 1}, {1, 1, 0, 0}}) {
      int kernel = setting[0];
      int stride = setting[1];
      int padding = setting[2];
      int outputPadding = setting[3];
      Tensor x = randomTensor(Shape.of(2, 3, 4, channels));
      Tensor weight = randomTensor(Shape.of(channels, kernel, kernel, outChannels));
      Tensor bias = randomTensor(Shape.of(outChannels));
      int height = 2 * stride - 2 * padding + kernel + outputPadding;
      int width = 3 * stride - 2 * padding + kernel + outputPadding;
      double[] expected = new double[2 * height * width * outChannels];
      double[] in = values(x);
      double[] w = values(weight);
      for (int i = 0; i < expected.length; i++) {
        expected[i] = values(bias)[i % outChannels];
      }
      for (int n = 0; n < 2; n++) {
        for (int i = 0; i < 3; i++) {
          for (int j = 0; j < 4; j++) {
            for (int u = 0; u < kernel; u++) {
              for (int v = 0; v < kernel; v++) {
                int row = i * stride - padding + u;
                int column = j * stride - padding + v;
                if (row < 0 || row >= height || column < 0 || column >= width) {
                  continue;
                }
                for (int c = 0; c < channels; c++) {
                  for (int o = 0; o < outChannels; o++) {
                    expected[((n * height + row) * width + column) * outChannels + o] +=
                        in[((n * 3 + i) * 4 + j) * channels + c]
                            * w[((c * kernel + u) * kernel + v) * outChannels + o];
                  }
                }
              }
            }
          }
        }
      }
      try (Tape tape = new Tape(backend, data, DType.FLOAT32, false)) {
        Variable y =
            TransposedConvolution.transposedConvolution(
                tape.constant(x),
                tape.constant(weight),
                tape.constant(bias),
                stride,
                padding,
                outputPadding);
        assertEquals(Shape.of(2, height, width, outChannels), y.shape());
        assertArrayEquals(expected, values(y.value()), 1e-5);
      }
    }
  }

  @Test
  void selfAttentionIsAttentionOfThirds() {
    try (Tape tape = new Tape(backend, data, DType.FLOAT32, false)) {
      Tensor qkv = randomTensor(Shape.of(2, 3, 3, 12));
      Variable thirds =
          Attention.attention(
              2,
              tape.constant(qkv.channelSlice(0, 4)),
              tape.constant(qkv.channelSlice(4, 4)),
              tape.constant(qkv.channelSlice(8, 4)));
      Variable whole = Attention.selfAttention(2, tape.constant(qkv));
      assertArrayEquals(values(thirds.value()), values(whole.value()));
    }
  }

  @Test
  void concatenationKeepsOrder() {
    try (Tape tape = new Tape(backend, data, DType.FLOAT32, false)) {
      Variable y =
          Concatenation.concatenate(
              tape.constant(tensor(Shape.of(2, 1), 1, 2)),
              tape.constant(tensor(Shape.of(2, 2), 3, 4, 5, 6)));
      assertArrayEquals(new double[] {1, 3, 4, 2, 5, 6}, values(y.value()));
    }
  }

  @Test
  void outputsHaveTheComputeType() {
    try (Tape tape = new Tape(backend, data, DType.BFLOAT16, true)) {
      Variable x = tape.input(randomTensor(Shape.of(2, 4, 4, 3)));
      Variable weight = tape.input(randomTensor(Shape.of(5, 3, 3, 3)));
      Variable gamma = tape.input(randomTensor(Shape.of(5)));
      Variable y = Convolution.convolution(x, weight, null, 1, 1);
      Variable z =
          GroupNormalization.groupNormalization(y, gamma, gamma, 5, 1e-5f, Activation.SILU);
      assertEquals(DType.BFLOAT16, y.dtype());
      assertEquals(DType.BFLOAT16, z.dtype());
      tape.backward(Loss.meanSquared(z, randomTensor(z.shape())));
      assertEquals(DType.FLOAT32, x.gradient().dtype());
      assertEquals(DType.FLOAT32, weight.gradient().dtype());
    }
  }

  @Test
  void gatherTakesRows() {
    Tensor indices = Tensor.allocate(data, DType.INT32, Shape.of(3));
    TensorValues.write(new double[] {2, 0, 2}, indices);
    try (Tape tape = new Tape(backend, data, DType.FLOAT32, false)) {
      Variable y = Gather.gather(tape, tensor(Shape.of(3, 2), 0, 1, 2, 3, 4, 5), indices);
      assertArrayEquals(new double[] {4, 5, 0, 1, 4, 5}, values(y.value()));
    }
  }

  @Test
  void dropoutIsTheIdentityInEvaluation() {
    try (Tape tape = new Tape(backend, data, DType.FLOAT32, false)) {
      Variable x = tape.constant(randomTensor(Shape.of(2, 8)));
      assertSame(x, Dropout.dropout(x, 0.5f, 1));
    }
  }

  @Test
  void dropoutDependsOnStepAndPurpose() {
    Tensor step = Tensor.allocate(data, DType.INT32, Shape.of(1));
    TensorValues.write(new double[] {1}, step);
    Tensor x = randomTensor(Shape.of(4, 64));
    try (Tape tape = new Tape(backend, data, DType.FLOAT32, true, new Randomness(5, step))) {
      double[] first = values(Dropout.dropout(tape.constant(x), 0.25f, 1).value());
      double[] again = values(Dropout.dropout(tape.constant(x), 0.25f, 1).value());
      double[] other = values(Dropout.dropout(tape.constant(x), 0.25f, 2).value());
      TensorValues.write(new double[] {2}, step);
      double[] later = values(Dropout.dropout(tape.constant(x), 0.25f, 1).value());
      assertArrayEquals(first, again);
      assertTrue(java.util.Arrays.mismatch(first, other) >= 0, "purposes must differ");
      assertTrue(java.util.Arrays.mismatch(first, later) >= 0, "steps must differ");
      long dropped = java.util.Arrays.stream(first).filter(value -> value == 0).count();
      assertEquals(64, dropped, 30, "256 elements with p = 1/4");
    }
  }

  @Test
  void wrongArgumentsAreNamed() {
    try (Tape tape = new Tape(backend, data, DType.FLOAT32, true)) {
      Variable image = tape.constant(randomTensor(Shape.of(2, 4, 4, 3)));
      Variable matrix = tape.constant(randomTensor(Shape.of(2, 3)));
      Variable filter = tape.constant(randomTensor(Shape.of(5, 3, 3, 4)));
      fails(
          "Convolution: expected weight of [5, 3, 3, 3], got FLOAT32[5, 3, 3, 4]",
          () -> Convolution.convolution(image, filter, null, 1, 1));
      fails(
          "Convolution: expected x of [N, H, W, C], got FLOAT32[2, 3]",
          () -> Convolution.convolution(matrix, filter, null, 1, 1));
      fails(
          "TransposedConvolution: expected weight of [3, 3, 3, 4]",
          () -> TransposedConvolution.transposedConvolution(image, filter, null, 2, 0, 0));
      fails(
          "TransposedConvolution: expected outputPadding of 0 to stride - 1, got 2",
          () ->
              TransposedConvolution.transposedConvolution(
                  image, tape.constant(randomTensor(Shape.of(3, 2, 2, 4))), null, 2, 0, 2));
      fails(
          "Linear: expected x with 4 channels, got FLOAT32[2, 3]",
          () -> Linear.linear(matrix, tape.constant(randomTensor(Shape.of(2, 4))), null));
      fails("Add: expected b of [2, 4, 4, 3], got FLOAT32[2, 3]", () -> Add.add(image, matrix));
      fails(
          "AddPerSample: expected shift of [2, 3]", () -> AddPerSample.addPerSample(image, image));
      fails(
          "Concatenation: expected a part of [2, 4, 4, 3]",
          () -> Concatenation.concatenate(image, matrix));
      fails(
          "GroupNormalization: expected a number of groups that divides the 3 channels of x, got 2"
              + " groups",
          () ->
              GroupNormalization.groupNormalization(
                  image, matrix, matrix, 2, 1e-5f, Activation.IDENTITY));
      Variable gamma = tape.constant(randomTensor(Shape.of(3)));
      fails(
          "GroupNormalization: expected after of [2, 3], got FLOAT32[2, 4, 4, 3]",
          () ->
              GroupNormalization.groupNormalization(
                  image,
                  GroupNormalization.Addends.NONE.withAfter(image),
                  gamma,
                  gamma,
                  3,
                  1e-5f,
                  Activation.IDENTITY));
      fails("MaxPool: expected an image of at least 5x5", () -> MaxPool.maxPool(image, 5, 5));
      fails("AveragePool: expected x of [N, H, W, C]", () -> AveragePool.averagePool(matrix, 2, 2));
      fails(
          "Attention: expected a number of heads that divides the 3 channels, got 2 heads",
          () -> Attention.attention(2, image, image, image));
      fails(
          "Loss: expected a floating-point target of [2, 3]", () -> Loss.l1(matrix, image.value()));
      fails("Reshape: expected 6 elements, got [7]", () -> Reshape.reshape(matrix, Shape.of(7)));
      fails(
          "Dropout: expected a probability in [0, 1), got 1.0", () -> Dropout.dropout(image, 1, 0));
      fails(
          "Gather: expected indices INT32[2]",
          () -> Gather.gather(tape, matrix.value(), matrix.value()));
    }
  }

  private static void fails(String message, Executable call) {
    String got = assertThrows(IllegalArgumentException.class, call).getMessage();
    assertTrue(
        got.startsWith(message), () -> "expected \"" + message + "...\", got \"" + got + "\"");
  }
}
