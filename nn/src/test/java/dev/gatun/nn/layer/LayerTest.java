package dev.gatun.nn.layer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.nn.NetworkTest;
import dev.gatun.nn.autograd.Parameter;
import dev.gatun.nn.autograd.ParameterStore;
import dev.gatun.nn.autograd.Scope;
import dev.gatun.nn.autograd.Tape;
import dev.gatun.nn.autograd.Variable;
import dev.gatun.nn.op.Add;
import dev.gatun.nn.op.AddPerSample;
import dev.gatun.nn.op.GroupNormalization;
import dev.gatun.nn.op.Loss;
import dev.gatun.runtime.memory.DeviceArena;
import dev.gatun.runtime.op.Activation;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Names, shapes, initial values and texts are PyTorch's. */
class LayerTest extends NetworkTest {

  @Test
  void namesAndShapesArePytorchs() {
    Scope root = Scope.root();
    new Conv2d(root.child("conv1"), 3, 64, 7, 1, 3);
    new Conv2d(root.child("plain"), 3, 8, 1, 1, 0, false);
    new ConvTranspose2d(root.child("up").child(0), 128, 64, 4, 2, 1, 0);
    new Linear(root.child("fc"), 1, 32, false);
    new GroupNorm(root.child("gn"), 8, 64, Activation.RELU);
    new BatchNorm2d(root.child("bn"), 16);
    new SelfAttention(root.child("attn"), 32, 4);
    Map<String, String> expected = new LinkedHashMap<>();
    expected.put("conv1.weight", "[64, 3, 7, 7]");
    expected.put("conv1.bias", "[64]");
    expected.put("plain.weight", "[8, 3, 1, 1]");
    expected.put("up.0.weight", "[128, 64, 4, 4]");
    expected.put("up.0.bias", "[64]");
    expected.put("fc.weight", "[32, 1]");
    expected.put("gn.weight", "[64]");
    expected.put("gn.bias", "[64]");
    expected.put("bn.weight", "[16]");
    expected.put("bn.bias", "[16]");
    expected.put("bn.running_mean", "[16]");
    expected.put("bn.running_var", "[16]");
    expected.put("bn.num_batches_tracked", "[]");
    expected.put("attn.in_proj.weight", "[96, 32]");
    expected.put("attn.in_proj.bias", "[96]");
    expected.put("attn.out_proj.weight", "[32, 32]");
    expected.put("attn.out_proj.bias", "[32]");
    Map<String, String> got = new LinkedHashMap<>();
    for (Parameter parameter : root.declared()) {
      got.put(parameter.name(), Arrays.toString(parameter.pytorchShape()));
    }
    assertEquals(expected.toString(), got.toString());
    assertTrue(
        assertThrows(IllegalArgumentException.class, () -> new Linear(root.child("fc"), 1, 1))
            .getMessage()
            .contains("fc.weight is declared twice"));
  }

  @Test
  void textsArePytorchs() {
    Scope root = Scope.root();
    assertEquals(
        "Conv2d(1, 64, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))",
        new Conv2d(root.child("a"), 1, 64, 3, 1, 1).toString());
    assertEquals(
        "Conv2d(64, 3, kernel_size=(1, 1), stride=(1, 1), bias=False)",
        new Conv2d(root.child("b"), 64, 3, 1, 1, 0, false).toString());
    assertEquals(
        "ConvTranspose2d(256, 128, kernel_size=(2, 2), stride=(2, 2), output_padding=(1, 1))",
        new ConvTranspose2d(root.child("c"), 256, 128, 2, 2, 0, 1).toString());
    assertEquals(
        "Linear(in_features=1, out_features=32, bias=False)",
        new Linear(root.child("d"), 1, 32, false).toString());
    assertEquals(
        "GroupNorm(8, 64, eps=1e-05, affine=True) + ReLU()",
        new GroupNorm(root.child("e"), 8, 64, Activation.RELU).toString());
    assertEquals(
        "BatchNorm2d(128, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)",
        new BatchNorm2d(root.child("f"), 128).toString());
    assertEquals("Dropout(p=0.1, inplace=False)", new Dropout(root, 0.1f).toString());
    assertEquals(
        "MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)",
        new MaxPool2d(2).toString());
    assertEquals("AvgPool2d(kernel_size=3, stride=3, padding=0)", new AvgPool2d(3).toString());
  }

  @Test
  void initialValuesAreUniformAndOfTheSeedAlone() {
    double[][] first = initialValues(1);
    double[][] again = initialValues(1);
    double[][] other = initialValues(2);
    double bound = 1 / Math.sqrt(16 * 9);
    for (int i = 0; i < 2; i++) {
      assertArrayEquals(first[i], again[i]);
      assertTrue(Arrays.mismatch(first[i], other[i]) >= 0);
      double[] x = first[i];
      assertTrue(Arrays.stream(x).allMatch(value -> Math.abs(value) <= bound));
      double mean = Arrays.stream(x).average().orElseThrow();
      double variance = Arrays.stream(x).map(value -> value * value).average().orElseThrow();
      assertEquals(0, mean, 5 * bound / Math.sqrt(3.0 * x.length), "mean of U(-b, b)");
      assertEquals(
          bound * bound / 3,
          variance,
          5 * bound * bound * Math.sqrt(4.0 / 45 / x.length),
          "its variance");
    }
    assertTrue(Arrays.mismatch(first[0], first[1]) >= 0, "parameters have numbers of their own");
  }

  private double[][] initialValues(long seed) {
    Scope root = Scope.root();
    new Conv2d(root.child("a"), 16, 64, 3, 1, 1);
    new ConvTranspose2d(root.child("b"), 64, 16, 3, 1, 1, 0);
    try (ParameterStore store = ParameterStore.allocate(backend, root, seed)) {
      return new double[][] {
        values(store.parameter("a.weight").value()), values(store.parameter("b.weight").value())
      };
    }
  }

  @Test
  void storeAlignsItsParametersAndKeepsGapsZero() {
    Scope root = Scope.root();
    new Conv2d(root.child("a"), 3, 5, 3, 1, 1);
    new Linear(root.child("b"), 3, 7);
    try (ParameterStore store = ParameterStore.allocate(backend, root, 1)) {
      assertEquals(5 * 27 + 5 + 21 + 7, store.trainedElements());
      boolean[] used = new boolean[Math.toIntExact(store.values().elements())];
      for (Parameter parameter : store.parameters()) {
        assertEquals(0, parameter.value().segment().address() % 64, parameter.name());
        for (int i = 0; i < parameter.shape().elements(); i++) {
          used[(int) parameter.offset() + i] = true;
        }
      }
      double[] flat = values(store.values());
      for (int i = 0; i < used.length; i++) {
        assertTrue(used[i] || flat[i] == 0);
      }
      assertArrayEquals(new double[used.length], values(store.gradients()));
    }
  }

  @Test
  void substitutionIsForAWhile() {
    Scope root = Scope.root();
    Linear layer = new Linear(root, 2, 1, false);
    try (ParameterStore store = ParameterStore.allocate(backend, root, 1)) {
      Tensor average = store.allocateRange();
      double[] before = values(store.parameter("weight").value());
      try (var substitution = store.substitute(average);
          Tape tape = new Tape(backend, data, DType.FLOAT32, false)) {
        Variable y = layer.forward(tape.constant(tensor(Shape.of(1, 2), 5, 6)));
        assertArrayEquals(new double[] {0}, values(y.value()));
      }
      assertArrayEquals(before, values(store.parameter("weight").value()));
    }
  }

  /** conv, GN, SiLU, + time embedding, + residual: in one pass and one after the other. */
  @Test
  void fusedNormalizationIsTheSeparateOperators() {
    Scope root = Scope.root();
    Conv2d convolution = new Conv2d(root.child("conv"), 3, 4, 3, 1, 1);
    GroupNorm norm = new GroupNorm(root.child("norm"), 2, 4, Activation.SILU);
    Tensor image = randomTensor(Shape.of(2, 5, 5, 3));
    Tensor embedding = randomTensor(Shape.of(2, 4));
    Tensor skip = randomTensor(Shape.of(2, 5, 5, 4));
    Tensor dy = randomTensor(skip.shape());
    try (ParameterStore store = ParameterStore.allocate(backend, root, 1)) {
      double[][][] results = new double[2][][];
      for (int i = 0; i < 2; i++) {
        try (DeviceArena arena = new DeviceArena(backend.memory(), "step");
            Tape tape = new Tape(backend, arena, DType.FLOAT32, true)) {
          Variable x = tape.input(image);
          Variable time = tape.input(embedding);
          Variable residual = tape.input(skip);
          Variable y =
              i == 0
                  ? norm.forward(
                      convolution.withoutBias(x),
                      GroupNormalization.Addends.NONE
                          .withBias(convolution.bias(tape))
                          .withAfter(time)
                          .withResidual(residual))
                  : Add.add(
                      AddPerSample.addPerSample(norm.forward(convolution.forward(x)), time),
                      residual);
          y.keep();
          tape.backward(y, dy);
          results[i] =
              new double[][] {
                values(y.value()),
                values(x.gradient()),
                values(time.gradient()),
                values(residual.gradient()),
                values(store.gradients())
              };
        }
      }
      for (int k = 0; k < results[0].length; k++) {
        assertArrayEquals(results[1][k], results[0][k], 1e-5, "result " + k);
      }
    }
  }

  @Test
  void batchNormTracksAndUsesStatistics() {
    Scope root = Scope.root();
    BatchNorm2d layer = new BatchNorm2d(root, 1);
    try (ParameterStore store = ParameterStore.allocate(backend, root, 1)) {
      Tensor x =
          tensor(Shape.of(2, 1, 2, 1), 1, 2, 3, 6); // mean 3, variance 3.5 biased, 14/3 unbiased
      try (Tape tape = new Tape(backend, data, DType.FLOAT32, true)) {
        Variable y = layer.forward(tape.input(x));
        assertEquals(-2 / Math.sqrt(3.5 + 1e-5), values(y.value())[0], 1e-6);
        tape.backward(Loss.meanSquared(y, x));
      }
      assertEquals(0.3, values(store.parameter("running_mean").value())[0], 1e-6);
      assertEquals(0.9 + 0.1 * 14 / 3, values(store.parameter("running_var").value())[0], 1e-6);
      assertEquals(1, values(store.parameter("num_batches_tracked").value())[0]);
      try (Tape tape = new Tape(backend, data, DType.FLOAT32, false)) {
        Variable y = layer.forward(tape.constant(x));
        assertEquals(0.7 / Math.sqrt(0.9 + 1.4 / 3 + 1e-5), values(y.value())[0], 1e-5);
      }
      assertEquals(
          1,
          values(store.parameter("num_batches_tracked").value())[0],
          "evaluation tracks nothing");
    }
  }

  @Test
  void selfAttentionHasItsInputsShape() {
    Scope root = Scope.root();
    SelfAttention layer = new SelfAttention(root, 8, 2);
    try (ParameterStore store = ParameterStore.allocate(backend, root, 1);
        Tape tape = new Tape(backend, data, DType.FLOAT32, true)) {
      Variable x = tape.input(randomTensor(Shape.of(2, 3, 3, 8)));
      Variable y = layer.forward(x);
      assertEquals(x.shape(), y.shape());
      tape.backward(Loss.meanSquared(y, randomTensor(y.shape())));
      for (Parameter parameter : store.parameters()) {
        assertTrue(
            Arrays.stream(values(parameter.gradient())).anyMatch(g -> g != 0), parameter.name());
      }
    }
  }
}
