package dev.gatun.ddpm.unet;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.ddpm.TestBackends;
import dev.gatun.ddpm.diffusion.Denoiser;
import dev.gatun.ddpm.diffusion.ModelConfig;
import dev.gatun.ddpm.diffusion.NetworkConfig;
import dev.gatun.nn.autograd.Tape;
import dev.gatun.nn.autograd.Variable;
import dev.gatun.nn.checkpoint.Checkpoint;
import dev.gatun.nn.checkpoint.CheckpointException;
import dev.gatun.nn.op.Loss;
import dev.gatun.runtime.memory.DeviceArena;
import dev.gatun.runtime.op.Activation;
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
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class NetworksTest {
  private static final NetworkConfig SMALL_DDPM =
      new NetworkConfig.DdpmUnet(4, List.of(1, 2), 2, 20);

  @TempDir Path folder;

  private final Backend backend = TestBackends.open();
  private final int arenas = DeviceArena.openArenas();

  @AfterEach
  void close() {
    assertEquals(arenas, DeviceArena.openArenas(), "arenas that were not closed");
    backend.close();
  }

  private Denoiser create(NetworkConfig network, int height, int width, int channels, int steps) {
    ModelConfig config =
        ModelConfig.defaults()
            .withNetwork(network)
            .withImage(height, width, channels)
            .withDiffusionSteps(steps);
    return Networks.create(backend, config, 1);
  }

  @Test
  void ddpmUnetHasTheDocumentedNumberOfParameters() {
    try (var network = create(NetworkConfig.DdpmUnet.defaults(), 32, 32, 3, 1000)) {
      assertEquals(132_751_491, network.parameters().trainedElements());
    }
  }

  @Test
  void mnistUnetHasTheDocumentedNumberOfParameters() {
    try (var network = create(new NetworkConfig.MnistUnet(), 28, 28, 1, 1000)) {
      assertEquals(864_609, network.parameters().trainedElements());
    }
  }

  @Test
  void simpleUnetIsTheDocumentedTree() throws IOException {
    try (var network = create(NetworkConfig.SimpleUnet.defaults(), 64, 64, 3, 300);
        InputStream text = NetworksTest.class.getResourceAsStream("/golden/simple_unet.txt")) {
      assertEquals(62_438_883, network.parameters().trainedElements());
      byte[] expected = Objects.requireNonNull(text).readAllBytes();
      assertEquals(new String(expected, StandardCharsets.UTF_8), network + "\n");
    }
  }

  @Test
  void refusesImagesThatDoNotHalve() {
    refused(
        () -> create(NetworkConfig.DdpmUnet.defaults(), 28, 28, 1, 1000),
        "network ddpm-unet: halves images 3 times, but 28x28 becomes 7x7, which is not divisible"
            + " by 2");
    refused(
        () -> create(NetworkConfig.SimpleUnet.defaults(), 64, 56, 3, 300),
        "64x56 becomes 8x7, which is not divisible by 2");
    refused(
        () -> create(NetworkConfig.EasyUnet.defaults(), 225, 224, 3, 1000),
        "225x224 is not divisible by 2; expected a height and width divisible by 8");
    refused(
        () -> create(new NetworkConfig.MnistUnet(), 32, 32, 1, 1000), "images of 28x28, got 32x32");
  }

  @Test
  void refusesNumbersThatDoNotDivide() {
    refused(
        () -> new NetworkConfig.DdpmUnet(6, List.of(1), 2, 20),
        "channels that the 4 heads of attention divide, got 6");
    refused(
        () -> new NetworkConfig.DdpmUnet(8, List.of(1), 3, 20),
        "groups that divide the 8 channels, got 3");
    refused(
        () -> new NetworkConfig.DdpmUnet(8, List.of(2, 4), 4, 20),
        "1 as the first multiplier, for the last block's channels, got [2, 4]");
    refused(() -> new NetworkConfig.DdpmUnet(8, List.of(1, 0), 4, 20), "multipliers of 1 or more");
    refused(
        () -> new NetworkConfig.DdpmUnet(8, List.of(1), 4, 21), "an even maxSteps of 4 or more");
    refused(
        () -> new NetworkConfig.SimpleUnet(List.of(64), 32),
        "two or more numbers of channels of 1 or more, got [64]");
    refused(() -> new NetworkConfig.SimpleUnet(List.of(8, 16), 3), "an even timeWidth");
    refused(
        () -> new NetworkConfig.EasyUnet(5, List.of(1), Activation.SILU),
        "network easy-unet: expected an even channels of 4 or more, got 5");
    refused(
        () -> new NetworkConfig.EasyUnet(8, List.of(), Activation.SILU),
        "multipliers of 1 or more");
    refused(
        () -> create(SMALL_DDPM, 8, 8, 1, 21),
        "expected a diffusion of at most maxSteps = 20 steps, got 21");
  }

  static Stream<NetworkConfig> small() {
    return Stream.of(
        SMALL_DDPM,
        new NetworkConfig.SimpleUnet(List.of(4, 6), 4),
        new NetworkConfig.EasyUnet(4, List.of(1, 2), Activation.IDENTITY),
        new NetworkConfig.CifarUnet(List.of(4, 8), 2, 0),
        new NetworkConfig.MnistUnet());
  }

  @ParameterizedTest
  @MethodSource("small")
  void refusesStepsOutsideTheSchedule(NetworkConfig network) {
    try (Denoiser denoiser = create(network, 28, 28, 1, 20);
        DeviceArena arena = new DeviceArena(backend.memory(), "test")) {
      Tensor x = Tensor.allocate(arena, DType.FLOAT32, Shape.of(2, 28, 28, 1));
      Tensor t = Tensor.allocate(arena, DType.INT32, Shape.of(2));
      for (int outside : new int[] {20, -1}) {
        GoldenNumbers.upload(backend, new double[] {19, outside}, t);
        try (Tape tape = new Tape(backend, arena, DType.FLOAT32, true)) {
          refused(
              () -> denoiser.predict(tape, tape.constant(x), t),
              "steps t, of 0 to 19, got " + outside);
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("small")
  void computesInBfloat16(NetworkConfig network) {
    try (Denoiser denoiser = create(network, 28, 28, 1, 20);
        DeviceArena arena = new DeviceArena(backend.memory(), "test")) {
      Tensor x = Tensor.allocate(arena, DType.FLOAT32, Shape.of(3, 28, 28, 1));
      Tensor t = Tensor.allocate(arena, DType.INT32, Shape.of(3));
      double[] pixels = new double[3 * 28 * 28];
      Arrays.setAll(pixels, i -> GoldenNumbers.symmetric(1, i));
      GoldenNumbers.upload(backend, pixels, x);
      GoldenNumbers.upload(backend, new double[] {0, 7, 19}, t);
      double[][] outputs = new double[2][];
      double[][] gradients = new double[2][];
      for (int i = 0; i < 2; i++) {
        DType compute = i == 0 ? DType.FLOAT32 : DType.BFLOAT16;
        try (Tape tape = new Tape(backend, arena, compute, true)) {
          Variable output = denoiser.predict(tape, tape.constant(x), t).keep();
          tape.backward(Loss.meanSquared(output, x));
          Tensor single = Tensor.allocate(arena, DType.FLOAT32, x.shape());
          backend.elementwise().copy(output.value(), single);
          outputs[i] = GoldenNumbers.download(backend, single);
        }
        gradients[i] = GoldenNumbers.download(backend, denoiser.parameters().gradients());
      }
      double output = GoldenNumbers.distance(outputs[0], outputs[1]);
      double gradient = GoldenNumbers.distance(gradients[0], gradients[1]);
      assertTrue(output > 0 && output < 0.05, "output: relative distance " + output);
      assertTrue(gradient > 0 && gradient < 0.1, "gradient: relative distance " + gradient);
    }
  }

  @Test
  void refusesWeightsOfAnotherConfiguration() throws IOException {
    Path file = folder.resolve("weights.safetensors");
    try (Denoiser network = create(SMALL_DDPM, 8, 8, 1, 20)) {
      Checkpoint.save(file, network.parameters(), Map.of(), Map.of());
    }
    var other = new NetworkConfig.DdpmUnet(4, List.of(1, 1), 2, 20);
    try (Denoiser network = create(other, 8, 8, 1, 20)) {
      var error =
          assertThrows(
              CheckpointException.class,
              () -> Checkpoint.load(file, network.parameters(), Map.of()));
      String message = error.getMessage();
      assertTrue(
          message.contains("downs.1.block0.mlp.1.weight has shape [8, 16], expected [4, 16]"),
          message);
    }
  }

  private static void refused(Executable work, String part) {
    var error = assertThrows(IllegalArgumentException.class, work);
    assertTrue(error.getMessage().contains(part), error.getMessage());
  }
}
