package dev.gatun.ddpm;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.ddpm.data.ImageShape;
import dev.gatun.ddpm.data.InMemoryImages;
import dev.gatun.ddpm.diffusion.Denoiser;
import dev.gatun.ddpm.diffusion.ModelConfig;
import dev.gatun.ddpm.diffusion.NetworkConfig;
import dev.gatun.ddpm.training.Trainer;
import dev.gatun.ddpm.training.TrainingConfig;
import dev.gatun.ddpm.unet.Networks;
import dev.gatun.nn.autograd.Parameter;
import dev.gatun.nn.checkpoint.CheckpointException;
import dev.gatun.runtime.memory.DeviceArena;
import dev.gatun.runtime.op.Backend;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrainedModelTest {
  private static final ModelConfig MODEL = ModelConfig.defaults().withDiffusionSteps(10);

  @TempDir Path folder;

  private final Backend backend = TestBackends.open();
  private final int arenas = DeviceArena.openArenas();

  @AfterEach
  void closeBackend() {
    assertEquals(arenas, DeviceArena.openArenas(), "arenas that were not closed");
    backend.close();
  }

  /** The file of a run that has done no step: it holds the network's first weights. */
  private Path write(Denoiser network, ModelConfig model) throws IOException {
    Path file = folder.resolve("model.safetensors");
    var data = new InMemoryImages("one", new ImageShape(28, 28, 1), List.of(new byte[28 * 28]));
    TrainingConfig config = TrainingConfig.defaults().withModel(model).withBatchSize(1);
    try (Trainer trainer = new Trainer(backend, network, data, config)) {
      trainer.writeModel(file);
    }
    return file;
  }

  @Test
  void opensWhatATrainerWrote() throws IOException {
    try (Denoiser network = Networks.create(backend, MODEL, 5);
        TrainedModel model = TrainedModel.open(backend, write(network, MODEL))) {
      assertEquals(MODEL, model.config());
      for (Parameter expected : network.parameters().parameters()) {
        Parameter read = model.network().parameters().parameter(expected.name());
        assertArrayEquals(floats(expected), floats(read), expected.name());
      }
    }
  }

  @Test
  void refusesWhatIsAnotherNetworks() throws IOException {
    try (Denoiser tiny = new TinyDenoiser(backend, MODEL, 8, 1)) {
      Path otherWeights = write(tiny, MODEL);
      var e =
          assertThrows(
              CheckpointException.class, () -> TrainedModel.open(backend, otherWeights).close());
      assertTrue(e.getMessage().startsWith(otherWeights + ": a checkpoint of another network"));

      Path otherName = write(tiny, MODEL.withNetwork(new NetworkConfig.Custom("tiny")));
      e =
          assertThrows(
              CheckpointException.class, () -> TrainedModel.open(backend, otherName).close());
      assertTrue(e.getMessage().startsWith(otherName + ": network tiny: expected one of"));
    }
  }

  private float[] floats(Parameter parameter) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment host = arena.allocate(4 * parameter.shape().elements(), 64);
      backend.download(parameter.value(), host);
      return host.toArray(ValueLayout.JAVA_FLOAT);
    }
  }
}
