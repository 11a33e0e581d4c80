package dev.gatun.runtime.onednn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import dev.gatun.runtime.op.ConvolutionGeometry;
import dev.gatun.runtime.op.TensorValues;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;
import java.util.Arrays;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * A convolution with so many weights that its channels are done a few at a time, against two with
 * half of its outputs each, which the contracts cover.
 */
final class WideWinogradTest extends CpuTensors {
  private static final int INPUTS = 512;
  private static final int OUTPUTS = 704;
  private static final int HALF = OUTPUTS / 2;
  private static final Shape IMAGES = Shape.of(2, 9, 7, INPUTS);
  private static final ConvolutionGeometry WHOLE = ConvolutionGeometry.of(IMAGES, OUTPUTS, 3, 1, 1);
  private static final ConvolutionGeometry PART = ConvolutionGeometry.of(IMAGES, HALF, 3, 1, 1);
  private static final double ALLOWED = 1e-3; // of sums of 512 * 9 products of normal numbers

  private double[] weights;
  private Tensor weight;
  private Tensor[] halves;

  WideWinogradTest() {
    super(5);
  }

  @BeforeEach
  void makeWeights() {
    weights = normal(WHOLE.weightShape());
    weight = tensor(WHOLE.weightShape(), weights);
    halves = new Tensor[] {half(weights, 0), half(weights, 1)};
  }

  private Tensor tensor(Shape shape, double[] values) {
    Tensor tensor = Tensor.allocate(arena, DType.FLOAT32, shape);
    TensorValues.write(values, tensor);
    return tensor;
  }

  private Tensor empty(Shape shape) {
    return Tensor.allocate(arena, DType.FLOAT32, shape);
  }

  /** Half of the rows of a matrix of OUTPUTS rows. */
  private Tensor half(double[] values, int which) {
    int n = values.length / 2;
    return tensor(PART.weightShape(), Arrays.copyOfRange(values, which * n, which * n + n));
  }

  @Test
  void forwardIsThatOfItsHalves() {
    Tensor x = tensor(IMAGES, normal(IMAGES));
    Tensor bias = tensor(Shape.of(OUTPUTS), normal(Shape.of(OUTPUTS)));
    double[] shifts = TensorValues.read(bias);
    Tensor y = empty(WHOLE.outputShape());
    backend.convolution().forward(WHOLE, x, weight, bias, y);
    for (int i = 0; i < 2; i++) {
      Tensor part = empty(PART.outputShape());
      double[] shift = Arrays.copyOfRange(shifts, i * HALF, i * HALF + HALF);
      backend.convolution().forward(PART, x, halves[i], tensor(Shape.of(HALF), shift), part);
      assertArrayEquals(
          TensorValues.read(part), TensorValues.read(y.channelSlice(i * HALF, HALF)), ALLOWED);
    }
  }

  @Test
  void inputGradientIsTheSumOfItsHalves() {
    Tensor dy = tensor(WHOLE.outputShape(), normal(WHOLE.outputShape()));
    Tensor dx = empty(IMAGES);
    backend.convolution().inputGradient(WHOLE, dy, weight, null, dx);
    double[] sum = new double[Math.toIntExact(IMAGES.elements())];
    for (int i = 0; i < 2; i++) {
      Tensor part = empty(IMAGES);
      Tensor slice = dy.channelSlice(i * HALF, HALF);
      backend.convolution().inputGradient(PART, slice, halves[i], null, part);
      double[] values = TensorValues.read(part);
      Arrays.setAll(sum, j -> sum[j] + values[j]);
    }
    assertArrayEquals(sum, TensorValues.read(dx), ALLOWED);
  }

  @Test
  void weightGradientIsThatOfItsHalves() {
    Tensor x = tensor(IMAGES, normal(IMAGES));
    Tensor dy = tensor(WHOLE.outputShape(), normal(WHOLE.outputShape()));
    Tensor dweight = empty(WHOLE.weightShape());
    Tensor dbias = empty(Shape.of(OUTPUTS));
    backend.convolution().weightGradient(WHOLE, x, dy, dweight, dbias);
    double[] whole = TensorValues.read(dweight);
    double[] wholeBias = TensorValues.read(dbias);
    for (int i = 0; i < 2; i++) {
      Tensor part = empty(PART.weightShape());
      Tensor partBias = empty(Shape.of(HALF));
      Tensor slice = dy.channelSlice(i * HALF, HALF);
      backend.convolution().weightGradient(PART, x, slice, part, partBias);
      int n = whole.length / 2;
      assertArrayEquals(
          TensorValues.read(part), Arrays.copyOfRange(whole, i * n, i * n + n), ALLOWED);
      assertArrayEquals(
          TensorValues.read(partBias),
          Arrays.copyOfRange(wholeBias, i * HALF, i * HALF + HALF),
          ALLOWED);
    }
  }
}
