package dev.gatun.nn.checkpoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.nn.NetworkTest;
import dev.gatun.nn.autograd.ParameterStore;
import dev.gatun.nn.autograd.Scope;
import dev.gatun.nn.layer.BatchNorm2d;
import dev.gatun.nn.layer.Conv2d;
import dev.gatun.nn.layer.ConvTranspose2d;
import dev.gatun.nn.layer.Linear;
import dev.gatun.nn.optim.Adam;
import dev.gatun.nn.optim.AdamConfig;
import dev.gatun.nn.optim.Ema;
import dev.gatun.runtime.op.TensorValues;
import dev.gatun.runtime.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CheckpointTest extends NetworkTest {

  @TempDir Path folder;

  private static Scope network() {
    Scope root = Scope.root();
    new Conv2d(root.child("conv"), 2, 3, 2, 1, 0);
    new ConvTranspose2d(root.child("up"), 3, 2, 2, 2, 0, 0);
    new BatchNorm2d(root.child("bn"), 3);
    new Linear(root.child("fc"), 3, 5);
    return root;
  }

  @Test
  void parametersAndStateComeBack() throws IOException {
    Path file = folder.resolve("checkpoint.safetensors");
    double[] values;
    double[] statistics;
    double[] average;
    try (ParameterStore store = ParameterStore.allocate(backend, network(), 1)) {
      Adam adam = new Adam(AdamConfig.defaults(), store);
      Ema ema = new Ema(store, 0.9);
      for (var parameter : store.parameters()) {
        if (parameter.isTrainable()) {
          TensorValues.write(
              random.doubles(parameter.shape().elements()).toArray(),
              store.part(parameter, adam.state().get("adam.exp_avg")));
        }
      }
      TensorValues.write(new double[] {123456}, store.parameter("bn.num_batches_tracked").value());
      Map<String, Tensor> state = new LinkedHashMap<>(adam.state());
      state.putAll(ema.state());
      values = values(store.values());
      statistics = values(store.statistics());
      average = values(adam.state().get("adam.exp_avg"));
      Checkpoint.save(file, store, state, Map.of("step", "40"));
    }
    try (ParameterStore store = ParameterStore.allocate(backend, network(), 2)) {
      Adam adam = new Adam(AdamConfig.defaults(), store);
      assertFalse(java.util.Arrays.equals(values, values(store.values())));
      assertEquals(Map.of("step", "40"), Checkpoint.load(file, store, adam.state()));
      assertArrayEquals(values, values(store.values()));
      assertArrayEquals(statistics, values(store.statistics()));
      assertArrayEquals(average, values(adam.state().get("adam.exp_avg")));
      Path again = folder.resolve("again.safetensors");
      Ema ema = new Ema(store, 0.9);
      Map<String, Tensor> state = new LinkedHashMap<>(adam.state());
      state.putAll(ema.state());
      Checkpoint.save(again, store, state, Map.of("step", "40"));
      assertArrayEquals(Files.readAllBytes(file), Files.readAllBytes(again));
    }
  }

  @Test
  void layoutIsPytorchs() throws IOException {
    Path file = folder.resolve("model.safetensors");
    try (ParameterStore store = ParameterStore.allocate(backend, network(), 1)) {
      Checkpoint.save(file, store, Map.of(), Map.of());
      double[] conv = values(store.parameter("conv.weight").value()); // [3, 2, 2, 2] as O, h, w, I
      double[] up = values(store.parameter("up.weight").value()); // [3, 2, 2, 2] as I, h, w, O
      try (SafeTensors read = SafeTensors.open(file)) {
        for (int a = 0; a < 3; a++) {
          for (int b = 0; b < 2; b++) {
            for (int p = 0; p < 4; p++) {
              int pytorch = (a * 2 + b) * 4 + p;
              int here = (a * 4 + p) * 2 + b;
              assertEquals(
                  conv[here],
                  ElementType.F32.toFloat(read.entries().get("conv.weight").data(), pytorch));
              assertEquals(
                  up[here],
                  ElementType.F32.toFloat(read.entries().get("up.weight").data(), pytorch));
            }
          }
        }
        StoredTensor counter = read.entries().get("bn.num_batches_tracked");
        assertEquals(ElementType.I64, counter.type());
        assertEquals(List.of(), counter.shape());
        assertEquals(10, read.entries().size() - 1, "conv 2, up 2, bn 4 and its counter, fc 2");
      }
    }
  }

  @Test
  void averagedWeightsCanBeSavedInTheirPlace() throws IOException {
    Path file = folder.resolve("model.safetensors");
    try (ParameterStore store = ParameterStore.allocate(backend, network(), 1)) {
      Tensor zeros = store.allocateRange();
      Checkpoint.save(file, store, zeros, Map.of(), Map.of());
      assertTrue(values(store.parameter("fc.weight").value())[0] != 0);
      Checkpoint.load(file, store, Map.of());
      assertArrayEquals(new double[15], values(store.parameter("fc.weight").value()));
      assertArrayEquals(
          new double[] {1, 1, 1},
          values(store.parameter("bn.running_var").value()),
          "statistics are their own");
    }
  }

  @Test
  void anotherNetworkIsRefusedInFullAndChangesNothing() throws IOException {
    Path file = folder.resolve("other.safetensors");
    Scope other = Scope.root();
    new Conv2d(other.child("conv"), 2, 4, 2, 1, 0);
    new ConvTranspose2d(other.child("up"), 3, 2, 2, 2, 0, 0);
    new Linear(other.child("fc"), 3, 5, false);
    new Linear(other.child("head"), 3, 1, false);
    try (ParameterStore store = ParameterStore.allocate(backend, other, 1)) {
      Checkpoint.save(file, store, Map.of(), Map.of());
    }
    try (ParameterStore store = ParameterStore.allocate(backend, network(), 2)) {
      double[] before = values(store.values());
      String message =
          assertThrows(CheckpointException.class, () -> Checkpoint.load(file, store, Map.of()))
              .getMessage();
      assertTrue(
          message.startsWith(file + ": a checkpoint of another network (9 differences)"), message);
      for (String part :
          List.of(
              "conv.weight has shape [4, 2, 2, 2], expected [3, 2, 2, 2]",
              "conv.bias has shape [4], expected [3]",
              "bn.weight[3]",
              "bn.num_batches_tracked[]",
              "fc.bias[5]",
              "1 unexpected: head.weight[1, 3]",
              "6 missing: ",
              "2 misshapen: ")) {
        assertTrue(message.contains(part), part + " in: " + message);
      }
      assertArrayEquals(before, values(store.values()));
      Ema ema = new Ema(store, 0.9);
      Path weights = folder.resolve("weights.safetensors");
      Checkpoint.save(weights, store, Map.of(), Map.of());
      assertTrue(
          assertThrows(
                  CheckpointException.class, () -> Checkpoint.load(weights, store, ema.state()))
              .getMessage()
              .contains(" missing: ema/conv.weight[3, 2, 2, 2]"));
    }
  }

  /** The numbers of {@code torch_files.py}: element i of PyTorch's order is i - 2. */
  private static void assertTorchs(ParameterStore store) {
    double[] conv = values(store.parameter("conv.weight").value()); // O, h, w, I
    double[] up = values(store.parameter("up.weight").value()); // I, h, w, O
    for (int i = 0; i < 24; i++) {
      int here = (i / 8 * 4 + i % 4) * 2 + i / 4 % 2;
      assertEquals(i - 2, conv[here]);
      assertEquals(i - 2, up[here]);
    }
    assertArrayEquals(new double[] {-2, -1, 0, 1, 2}, values(store.parameter("fc.bias").value()));
    assertArrayEquals(
        new double[] {0.1f, 0.1f, 0.1f}, values(store.parameter("bn.running_mean").value()));
    assertArrayEquals(
        new double[] {0.9f, 0.9f, 0.9f}, values(store.parameter("bn.running_var").value()));
    assertArrayEquals(new double[] {1}, values(store.parameter("bn.num_batches_tracked").value()));
  }

  @Test
  void filesOfTorchSaveAreLoadedWhateverTheirName() throws IOException {
    try (ParameterStore store = ParameterStore.allocate(backend, network(), 1)) {
      for (String name : List.of("layers.pth", "nested.pth", "protocol4.pth")) {
        store.change(values -> backend.elementwise().fill(5f, values));
        backend.elementwise().fill(5f, store.statistics());
        Path renamed = folder.resolve("model.safetensors");
        Files.move(
            PytorchFileTest.torch(folder, name), renamed, StandardCopyOption.REPLACE_EXISTING);
        Checkpoint.load(renamed, store, Map.of());
        assertTorchs(store);
      }
    }
  }

  @Test
  void theNameDecidesTheFormatThatIsWritten() throws IOException {
    Path pytorch = folder.resolve("model.pth");
    Path safe = folder.resolve("model.safetensors");
    try (ParameterStore store = ParameterStore.allocate(backend, network(), 1)) {
      Checkpoint.load(PytorchFileTest.torch(folder, "layers.pth"), store, Map.of());
      TensorValues.write(new double[] {123456}, store.parameter("bn.num_batches_tracked").value());
      Checkpoint.save(pytorch, store, Map.of(), Map.of("step", "7"));
      Checkpoint.save(safe, store, Map.of(), Map.of("step", "7"));
    }
    try (PytorchFile a = PytorchFile.open(pytorch);
        SafeTensors b = SafeTensors.open(safe)) {
      assertEquals(
          ElementType.I64,
          Objects.requireNonNull(a.entries().get("bn.num_batches_tracked")).type());
      assertEquals(b.entries().keySet(), a.entries().keySet());
    }
    try (ParameterStore store = ParameterStore.allocate(backend, network(), 2)) {
      assertEquals(Map.of("step", "7"), Checkpoint.load(pytorch, store, Map.of()));
      assertArrayEquals(
          new double[] {123456}, values(store.parameter("bn.num_batches_tracked").value()));
      TensorValues.write(new double[] {1}, store.parameter("bn.num_batches_tracked").value());
      assertTorchs(store);
    }
  }

  @Test
  void tensorsOfOlderNamesAreFound() throws IOException {
    Path file = folder.resolve("old.pth");
    PytorchWriter writer = new PytorchWriter(Map.of());
    writer.add("query.weight", ElementType.F32, new long[] {1, 1}, data -> data.fill((byte) 0));
    writer.write(file);
    Scope root = Scope.root();
    new Linear(root.child("to_q"), 1, 1, false);
    try (ParameterStore store = ParameterStore.allocate(backend, root, 1)) {
      assertTrue(values(store.values())[0] != 0);
      Checkpoint.load(file, store, Map.of(), name -> name.replace("query.", "to_q."));
      assertEquals(0, values(store.values())[0]);
      writer.add("to_q.weight", ElementType.F32, new long[] {1, 1}, data -> data.fill((byte) 0));
      writer.write(file);
      assertTrue(
          assertThrows(
                  CheckpointException.class,
                  () ->
                      Checkpoint.load(
                          file, store, Map.of(), name -> name.replace("query.", "to_q.")))
              .getMessage()
              .contains("1 unexpected: to_q.weight, another name of to_q.weight"));
    }
  }

  @Test
  void hundredsOfDifferencesAreCountedAndShortened() throws IOException {
    Path file = folder.resolve("many.safetensors");
    for (int count : new int[] {99, 300}) {
      SafeTensorsWriter writer = new SafeTensorsWriter(Map.of());
      for (int i = 0; i < count; i++) {
        writer.add("t%03d".formatted(i), ElementType.F32, new long[0], data -> {});
      }
      writer.write(file);
      Scope root = Scope.root();
      new Linear(root.child("fc"), 1, 1, false);
      try (ParameterStore store = ParameterStore.allocate(backend, root, 1)) {
        String message =
            assertThrows(CheckpointException.class, () -> Checkpoint.load(file, store, Map.of()))
                .getMessage();
        assertTrue(
            message.startsWith(
                "%s: a checkpoint of another network (%d differences): 1 missing: fc.weight[1, 1]; %d unexpected: t000[], t001[], "
                    .formatted(file, count + 1, count)),
            message);
        assertTrue(message.endsWith(count == 99 ? "t098[]" : "t019[] and 280 more"), message);
      }
    }
  }
}
