package dev.gatun.ddpm.unet;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.ddpm.TestBackends;
import dev.gatun.ddpm.TrainedModel;
import dev.gatun.ddpm.diffusion.ModelConfig;
import dev.gatun.ddpm.diffusion.NetworkConfig;
import dev.gatun.nn.autograd.Parameter;
import dev.gatun.nn.autograd.Randomness;
import dev.gatun.nn.autograd.Tape;
import dev.gatun.nn.checkpoint.Checkpoint;
import dev.gatun.nn.checkpoint.CheckpointException;
import dev.gatun.nn.checkpoint.ElementType;
import dev.gatun.nn.checkpoint.PytorchWriter;
import dev.gatun.nn.checkpoint.StoredTensor;
import dev.gatun.nn.checkpoint.TensorFile;
import dev.gatun.runtime.memory.DeviceArena;
import dev.gatun.runtime.op.Backend;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What {@link UnetGoldenTest} does not see: names, files and dropout. */
class CifarUnetTest {
  private static final NetworkConfig.CifarUnet SMALL =
      new NetworkConfig.CifarUnet(List.of(4, 8), 2, 0.5);

  @TempDir Path folder;

  private final Backend backend = TestBackends.open();
  private final int arenas = DeviceArena.openArenas();

  @AfterEach
  void close() {
    assertEquals(arenas, DeviceArena.openArenas(), "arenas that were not closed");
    backend.close();
  }

  private static ModelConfig config(NetworkConfig network, int side) {
    return ModelConfig.defaults()
        .withNetwork(network)
        .withImage(side, side, 3)
        .withDiffusionSteps(20);
  }

  private CifarUnet create(NetworkConfig.CifarUnet network, int side, long seed) {
    return new CifarUnet(backend, network, config(network, side), seed);
  }

  /** {@code cifar_unet.txt} is the state dict of diffusers' own class. */
  @Test
  void hasTheTensorsOfDiffusers() throws IOException {
    String expected;
    try (InputStream in = CifarUnetTest.class.getResourceAsStream("/golden/cifar_unet.txt")) {
      expected =
          new String(Objects.requireNonNull(in).readAllBytes(), StandardCharsets.UTF_8)
              .lines()
              .filter(line -> !line.startsWith("#"))
              .collect(Collectors.joining("\n"));
    }
    try (CifarUnet network = create(NetworkConfig.CifarUnet.defaults(), 32, 1)) {
      List<Parameter> parameters = network.parameters().parameters();
      assertEquals(328, parameters.size());
      assertEquals(35_746_307, network.parameters().trainedElements());
      assertEquals(
          expected,
          parameters.stream()
              .map(p -> p.name() + Arrays.toString(p.pytorchShape()))
              .map(line -> line.replace("[", " ").replace("]", "").replace(", ", ","))
              .collect(Collectors.joining("\n")));
    }
  }

  @Test
  void attentionMayHaveItsEarlierNames() throws IOException {
    Path current = folder.resolve("current.pth");
    Path earlier = folder.resolve("earlier.bin");
    double[] values;
    try (CifarUnet network = create(SMALL, 8, 1)) {
      Checkpoint.save(current, network.parameters(), Map.of(), Map.of());
      values = GoldenNumbers.download(backend, network.parameters().values());
    }
    int renamed = 0;
    try (TensorFile file = TensorFile.open(current)) {
      PytorchWriter writer = new PytorchWriter(Map.of());
      for (StoredTensor tensor : file.entries().values()) {
        String name =
            tensor
                .name()
                .replace(".to_q.", ".query.")
                .replace(".to_k.", ".key.")
                .replace(".to_v.", ".value.")
                .replace(".to_out.0.", ".proj_attn.");
        renamed += name.equals(tensor.name()) ? 0 : 1;
        long[] shape = tensor.shape().stream().mapToLong(Long::longValue).toArray();
        writer.add(name, ElementType.F32, shape, tensor::copyTo);
      }
      writer.write(earlier);
    }
    assertEquals(48, renamed, "four layers of six attention blocks, each a weight and a bias");
    ModelConfig config = config(SMALL, 8);
    try (TrainedModel model = TrainedModel.open(backend, earlier, config)) {
      assertArrayEquals(
          values, GoldenNumbers.download(backend, model.network().parameters().values()));
    }
  }

  @Test
  void namesThatAreNotAttentionsAreLeftAlone() {
    try (CifarUnet network = create(SMALL, 8, 1)) {
      for (String name : List.of("key.weight", "weight", "", "a.b", ".", "mid_block.key")) {
        assertEquals(name, network.currentName(name));
      }
      assertEquals(
          "mid_block.attentions.0.to_out.0.bias",
          network.currentName("mid_block.attentions.0.proj_attn.bias"));
    }
  }

  @Test
  void weightsOfAnotherSizeAreRefusedWithAllDifferences() throws IOException {
    Path file = folder.resolve("small.safetensors");
    try (CifarUnet network = create(SMALL, 8, 1)) {
      Checkpoint.save(file, network.parameters(), Map.of(), Map.of());
    }
    NetworkConfig wider = new NetworkConfig.CifarUnet(List.of(4, 8, 8), 2, 0);
    String message =
        assertThrows(
                CheckpointException.class,
                () -> TrainedModel.open(backend, file, config(wider, 8)).close())
            .getMessage();
    assertTrue(message.contains("missing: down_blocks.1.downsamplers.0.conv.weight"), message);
    assertTrue(message.contains("unexpected: "), message);
  }

  private double[] predict(CifarUnet network, boolean training, int step) {
    try (DeviceArena arena = new DeviceArena(backend.memory(), "images")) {
      Tensor x = Tensor.allocate(arena, DType.FLOAT32, Shape.of(2, 8, 8, 3));
      double[] values = new double[(int) x.elements()];
      Arrays.setAll(values, i -> Math.sin(i));
      GoldenNumbers.upload(backend, values, x);
      Tensor t = Tensor.allocate(arena, DType.INT32, Shape.of(2));
      GoldenNumbers.upload(backend, new double[] {3, 17}, t);
      Tensor number = Tensor.allocate(arena, DType.INT32, Shape.of(1));
      GoldenNumbers.upload(backend, new double[] {step}, number);
      Randomness randomness = new Randomness(5, number);
      try (Tape tape = new Tape(backend, arena, DType.FLOAT32, training, randomness)) {
        return GoldenNumbers.download(backend, network.predict(tape, tape.constant(x), t).value());
      }
    }
  }

  @Test
  void dropoutIsForTrainingAloneAndCountedBySeedAndStep() {
    double[] evaluated;
    try (CifarUnet network = create(SMALL, 8, 1)) {
      evaluated = predict(network, false, 1);
      double[] trained = predict(network, true, 1);
      assertFalse(Arrays.equals(evaluated, trained), "dropout in training");
      assertArrayEquals(trained, predict(network, true, 1), "the same step drops the same");
      assertFalse(Arrays.equals(trained, predict(network, true, 2)), "another step drops others");
      assertArrayEquals(evaluated, predict(network, false, 2), "no dropout in evaluation");
    }
    try (CifarUnet network = create(SMALL.withDropout(0), 8, 1)) {
      assertTrue(
          GoldenNumbers.distance(evaluated, predict(network, true, 1)) < 1e-6, "none is none");
    }
  }

  @Test
  void sizesThatCannotBeHalvedAreRefused() {
    String message =
        assertThrows(
                IllegalArgumentException.class,
                () -> create(NetworkConfig.CifarUnet.defaults(), 28, 1))
            .getMessage();
    assertTrue(message.contains("28x28") && message.contains("divisible by 8"), message);
  }

  @Test
  void settingsThatDoNotFitAreRefused() {
    for (Runnable wrong :
        List.<Runnable>of(
            () -> new NetworkConfig.CifarUnet(List.of(4, 6), 4, 0),
            () -> new NetworkConfig.CifarUnet(List.of(4), 2, 0),
            () -> new NetworkConfig.CifarUnet(List.of(3, 3), 1, 0),
            () -> new NetworkConfig.CifarUnet(List.of(4, 8), 0, 0),
            () -> new NetworkConfig.CifarUnet(List.of(4, 8), 2, 1))) {
      assertTrue(
          assertThrows(IllegalArgumentException.class, wrong::run)
              .getMessage()
              .startsWith("network cifar-unet: expected "));
    }
  }
}
