package dev.gatun.nn.autograd;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.nn.NetworkTest;
import dev.gatun.nn.checkpoint.Checkpoint;
import dev.gatun.nn.layer.Conv2d;
import dev.gatun.nn.layer.ConvTranspose2d;
import dev.gatun.nn.layer.Linear;
import dev.gatun.nn.optim.Adam;
import dev.gatun.nn.optim.AdamConfig;
import dev.gatun.nn.optim.Ema;
import dev.gatun.runtime.op.Backend;
import dev.gatun.runtime.op.Convolution;
import dev.gatun.runtime.op.MatrixProduct;
import dev.gatun.runtime.op.TensorValues;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The copy of the parameters in BFLOAT16 is that of the numbers that they have, whoever wrote. */
class RoundedParametersTest extends NetworkTest {
  private final Scope root = Scope.root();
  private final Parameter first = root.parameter("a", Shape.of(5, 3), Initialization.fanIn(3));
  private final Parameter second = root.parameter("b", Shape.of(17), Initialization.fanIn(2));
  private ParameterStore store;

  @TempDir Path folder;

  @BeforeEach
  void allocate() {
    store = ParameterStore.allocate(backend, root, 5);
  }

  @AfterEach
  void free() {
    store.close();
  }

  private void assertRounded(String when) {
    assertRounded(store.values(), when);
  }

  /** What BFLOAT16 keeps of {@code range} is what products of BFLOAT16 numbers read. */
  private void assertRounded(Tensor range, String when) {
    for (Parameter parameter : List.of(first, second)) {
      Tensor factor = parameter.factor(DType.BFLOAT16);
      assertEquals(DType.BFLOAT16, factor.dtype(), when);
      assertArrayEquals(rounded(store.part(parameter, range)), values(factor), when);
      assertEquals(parameter.value(), parameter.factor(DType.FLOAT32), when);
    }
  }

  private static double[] rounded(Tensor numbers) {
    return Arrays.stream(values(numbers))
        .map(value -> TensorValues.round(DType.BFLOAT16, value))
        .toArray();
  }

  @Test
  void thereIsNoneUntilItIsAskedFor() {
    assertEquals(first.value(), first.factor(DType.BFLOAT16));
    int buffers = store.arena().liveBuffers();
    store.keepRounded();
    assertRounded("at first");
    store.keepRounded();
    assertEquals(buffers + 1, store.arena().liveBuffers());
  }

  @Test
  void followsAllThatWrites() throws IOException {
    Path file = folder.resolve("weights.safetensors");
    Checkpoint.save(file, store, Map.of(), Map.of());
    store.keepRounded();
    store.change(values -> backend.elementwise().add(values, values, values));
    assertRounded("after a change");
    second.upload(
        MemorySegment.ofArray(Arrays.copyOf(new float[] {1 + 0x1p-8f, 3, 5, 7, 1 + 0x3p-8f}, 17)));
    assertEquals(1, values(second.factor(DType.BFLOAT16))[0]);
    assertEquals(1 + 0x4p-8, values(second.factor(DType.BFLOAT16))[4]);
    assertRounded("after an upload");
    Adam adam = new Adam(AdamConfig.defaults().withLearningRate(0.1), store);
    Ema ema = new Ema(store, 0.9);
    backend.elementwise().fill(0.3f, store.gradients());
    double[] before = values(first.value());
    adam.update(store.one());
    assertRounded("after an update");
    adam.update(store.one(), ema);
    assertRounded("after an update with an average");
    assertTrue(values(first.value())[0] < before[0] - 0.1, "the updates moved nothing");
    Checkpoint.load(file, store, Map.of());
    assertRounded("after a checkpoint was loaded");
    assertThrows(
        IllegalStateException.class,
        () ->
            store.change(
                values -> {
                  backend.elementwise().fill(7, values);
                  throw new IllegalStateException("half way");
                }));
    assertRounded("after a change that failed");
  }

  @Test
  void averagesHaveNoneUnlessASamplerRoundsThem() {
    store.keepRounded();
    Ema ema = new Ema(store, 0.9);
    store.change(values -> backend.elementwise().fill(2 + 0x1p-9f, values));
    Tensor copy = store.allocateRounded(data);
    try (var averaged = store.substitute(ema.average())) {
      assertEquals(first.value(), first.factor(DType.BFLOAT16), "the average, not a copy");
      assertArrayEquals(values(store.part(first, ema.average())), values(first.value()));
      try (var sampling = store.substituteRounded(copy)) {
        assertRounded(ema.average(), "while a sampler reads the averages");
        String message =
            assertThrows(IllegalStateException.class, () -> store.change(values -> {}))
                .getMessage();
        assertTrue(message.contains("close the substitution"), message);
        assertThrows(IllegalStateException.class, () -> store.update((values, low) -> {}));
      }
      assertEquals(first.value(), first.factor(DType.BFLOAT16), "the average again");
      store.change(values -> backend.elementwise().fill(3 + 0x1p-9f, values));
    }
    assertRounded("after the substitution");
    assertEquals(3, values(first.factor(DType.BFLOAT16))[0]);
    Tensor other = tensor(Shape.of(3), 1, 2, 3);
    assertThrows(IllegalArgumentException.class, () -> store.substituteRounded(other));
  }

  @Test
  void cannotBeginWhereItCouldBecomeStale() {
    Adam adam = new Adam(AdamConfig.defaults(), store);
    Ema ema = new Ema(store, 0.9);
    try (var averaged = store.substitute(ema.average())) {
      String message = assertThrows(IllegalStateException.class, store::keepRounded).getMessage();
      assertTrue(message.contains("close the substitution"), message);
    }
    backend.elementwise().fill(0, store.gradients());
    adam.update(store.one());
    String message = assertThrows(IllegalStateException.class, store::keepRounded).getMessage();
    assertTrue(message.contains("before the first update"), message);
  }

  @Test
  void valuesAreHandedOutForReading() {
    MemorySegment numbers = MemorySegment.ofArray(new float[17]);
    for (Tensor values : List.of(second.value(), store.part(second, store.values()))) {
      String message =
          assertThrows(
                  IllegalArgumentException.class, () -> TensorValues.write(new double[17], values))
              .getMessage();
      assertTrue(message.contains("read"), message);
      assertThrows(IllegalArgumentException.class, () -> backend.upload(numbers, values));
    }
    store.keepRounded();
    Tensor copy = second.factor(DType.BFLOAT16);
    assertThrows(IllegalArgumentException.class, () -> TensorValues.write(new double[17], copy));
    try (Tape tape = new Tape(backend, data, DType.FLOAT32, true)) {
      Tensor value = tape.parameter(second).value();
      assertThrows(IllegalArgumentException.class, () -> backend.upload(numbers, value));
    }
  }

  /** Weights are read as what they are multiplied with; the rest as FLOAT32. */
  @Test
  void layersReadItWhereTheirInputIsBfloat16() {
    List<DType> read = new ArrayList<>();
    Backend watched = watched(read);
    Scope scope = Scope.root();
    Conv2d conv = new Conv2d(scope.child("conv"), 2, 4, 3, 1, 1);
    ConvTranspose2d up = new ConvTranspose2d(scope.child("up"), 4, 3, 2, 2, 0, 0);
    Linear linear = new Linear(scope.child("linear"), 3, 5);
    Tensor x = randomTensor(Shape.of(1, 4, 4, 2));
    Tensor low = Tensor.allocate(data, DType.BFLOAT16, x.shape());
    backend.elementwise().copy(x, low);
    try (ParameterStore own = ParameterStore.allocate(watched, scope, 1)) {
      own.keepRounded();
      for (Tensor input : List.of(x, low)) {
        for (DType compute : List.of(DType.FLOAT32, DType.BFLOAT16)) {
          if (input.dtype() == DType.BFLOAT16 && compute == DType.FLOAT32) {
            continue; // no layer makes such an input
          }
          read.clear();
          try (Tape tape = new Tape(watched, data, compute, true)) {
            Variable y = linear.forward(up.forward(conv.forward(tape.input(input))));
            Tensor dy = tape.empty(y.shape());
            backend.elementwise().fill(1, dy);
            tape.backward(y, dy);
          }
          assertEquals(6, read.size(), "three layers, forward and back");
          assertEquals(input.dtype(), read.getFirst(), "the first layer's weight");
          assertEquals(
              List.of(compute, compute, compute, compute, compute),
              read.subList(1, 6),
              "the weights of what follows");
        }
      }
    }
  }

  /** The backend, which writes down the type of each weight that it multiplies. */
  private Backend watched(List<DType> read) {
    Convolution convolution =
        proxy(
            Convolution.class,
            backend.convolution(),
            (name, arguments) -> {
              if (!name.equals("weightGradient")) {
                read.add(((Tensor) arguments[2]).dtype());
              }
            });
    MatrixProduct matrixProduct =
        proxy(
            MatrixProduct.class,
            backend.matrixProduct(),
            (name, arguments) -> {
              if (!name.equals("linearGradientWeight")) {
                read.add(((Tensor) arguments[1]).dtype());
              }
            });
    return (Backend)
        Proxy.newProxyInstance(
            Backend.class.getClassLoader(),
            new Class<?>[] {Backend.class},
            (self, method, arguments) ->
                switch (method.getName()) {
                  case "convolution" -> convolution;
                  case "matrixProduct" -> matrixProduct;
                  default -> method.invoke(backend, arguments);
                });
  }

  private interface Watch {
    void call(String name, Object[] arguments);
  }

  private static <F> F proxy(Class<F> family, F operators, Watch watch) {
    return family.cast(
        Proxy.newProxyInstance(
            family.getClassLoader(),
            new Class<?>[] {family},
            (self, method, arguments) -> {
              watch.call(method.getName(), arguments);
              return method.invoke(operators, arguments);
            }));
  }
}
