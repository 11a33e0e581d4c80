package dev.gatun.runtime.onednn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import dev.gatun.runtime.op.ConstantScope;
import dev.gatun.runtime.op.ConvolutionGeometry;
import dev.gatun.runtime.op.TensorValues;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What convolutions keep of constant weights: Winograd's of FLOAT32, oneDNN's of BFLOAT16. */
final class ConstantWeightsTest extends CpuTensors {
  private static final Shape IMAGES = Shape.of(3, 7, 9, 64);
  private static final ConvolutionGeometry GEOMETRY = ConvolutionGeometry.of(IMAGES, 64, 3, 1, 1);

  ConstantWeightsTest() {
    super(3);
  }

  private Tensor tensor(DType dtype, Shape shape) {
    Tensor tensor = Tensor.allocate(arena, dtype, shape);
    TensorValues.write(normal(shape), tensor);
    return tensor;
  }

  private double[] forward(Tensor x, Tensor weight) {
    Tensor y = Tensor.allocate(arena, x.dtype(), GEOMETRY.outputShape());
    backend.convolution().forward(GEOMETRY, x, weight, null, y);
    return TensorValues.read(y);
  }

  private double[] inputGradient(Tensor dy, Tensor weight) {
    Tensor dx = Tensor.allocate(arena, dy.dtype(), IMAGES);
    backend.convolution().inputGradient(GEOMETRY, dy, weight, null, dx);
    return TensorValues.read(dx);
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"FLOAT32", "BFLOAT16"})
  void resultsAreTheSameAndTheFormIsMadeOnce(DType dtype) {
    Tensor range = tensor(dtype, Shape.of(2, 3, 3, 64 * 64));
    Tensor weight = range.range(3L * 3 * 64 * 64, GEOMETRY.weightShape());
    Tensor x = tensor(dtype, IMAGES);
    Tensor dy = tensor(dtype, GEOMETRY.outputShape());
    double[] y = forward(x, weight);
    double[] dx = inputGradient(dy, weight);
    try (ConstantScope constant = backend.constant(range)) {
      assertArrayEquals(y, forward(x, weight));
      assertArrayEquals(dx, inputGradient(dy, weight));
      TensorValues.write(
          normal(weight.shape()), weight); // against the promise, to see what is read
      assertArrayEquals(y, forward(x, weight));
      assertArrayEquals(dx, inputGradient(dy, weight));
      Tensor outside = tensor(dtype, GEOMETRY.weightShape());
      double[] first = forward(x, outside);
      TensorValues.write(normal(weight.shape()), outside);
      assertNotEquals(first[0], forward(x, outside)[0]);
    }
    double[] later = forward(x, weight);
    assertNotEquals(y[0], later[0]);
    TensorValues.write(normal(weight.shape()), weight);
    assertNotEquals(later[0], forward(x, weight)[0]);
  }

  @Test
  void takesTwiceTheMemoryOfTheWeightsAtMost() {
    ConstantWeights constants = new ConstantWeights();
    Tensor weight = tensor(DType.FLOAT32, Shape.of(1000));
    try (ConstantScope constant = constants.open(weight)) {
      long kept = constants.get(weight, "one", 5000, () -> -1, address -> {});
      assertNotEquals(-1, kept);
      assertEquals(-1, constants.get(weight, "two", 5000, () -> -1, address -> {}));
      assertNotEquals(-1, constants.get(weight, "three", 3000, () -> -1, address -> {}));
      assertEquals(kept, constants.get(weight, "one", 5000, () -> -1, address -> {}));
    }
    assertEquals(-1, constants.get(weight, "one", 5000, () -> -1, address -> {}));
  }
}
