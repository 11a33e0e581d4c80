package dev.gatun.ddpm.training;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.gatun.ddpm.TestBackends;
import dev.gatun.ddpm.TinyDenoiser;
import dev.gatun.ddpm.data.ImageDataset;
import dev.gatun.ddpm.data.ImageShape;
import dev.gatun.ddpm.data.InMemoryImages;
import dev.gatun.ddpm.diffusion.Denoiser;
import dev.gatun.ddpm.diffusion.ModelConfig;
import dev.gatun.ddpm.diffusion.NetworkConfig;
import dev.gatun.ddpm.diffusion.Prediction;
import dev.gatun.ddpm.unet.Networks;
import dev.gatun.nn.autograd.Parameter;
import dev.gatun.nn.checkpoint.CheckpointException;
import dev.gatun.runtime.memory.DeviceArena;
import dev.gatun.runtime.op.Backend;
import dev.gatun.runtime.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class TrainerTest {
  private static final ModelConfig MODEL =
      ModelConfig.defaults()
          .withNetwork(new NetworkConfig.Custom("tiny"))
          .withImage(8, 8, 1)
          .withDiffusionSteps(50);
  private static final TrainingConfig CONFIG =
      TrainingConfig.defaults()
          .withModel(MODEL)
          .withSteps(8)
          .withBatchSize(4)
          .withOptimizer(OptimizerConfig.cosine(3e-3).withWarmupSteps(2))
          .withSeed(7)
          .withHorizontalFlip(true);

  private final Backend backend = TestBackends.open();

  @TempDir Path folder;

  @AfterEach
  void close() {
    assertEquals(0, DeviceArena.openArenas(), "open arenas");
    backend.close();
  }

  /** A network, its training and their end. */
  private final class Run implements AutoCloseable {
    final TinyDenoiser network;
    final Trainer trainer;

    Run(TrainingConfig config) {
      this(config, 8);
    }

    Run(TrainingConfig config, int width) {
      network = new TinyDenoiser(backend, config.model(), width, config.seed());
      trainer = new Trainer(backend, network, images(40), config);
    }

    Run(TrainingConfig config, long residentBytes) {
      network = new TinyDenoiser(backend, config.model(), 8, config.seed());
      trainer = new Trainer(backend, network, images(40), config, residentBytes);
    }

    List<Double> steps(int count) {
      List<Double> losses = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        losses.add(trainer.step().loss());
      }
      return losses;
    }

    byte[] model() throws IOException {
      Path file = folder.resolve("model.safetensors");
      trainer.writeModel(file);
      return Files.readAllBytes(file);
    }

    byte[] checkpoint(Path directory) throws IOException {
      trainer.save(directory);
      return Files.readAllBytes(directory.resolve(Trainer.CHECKPOINT));
    }

    @Override
    public void close() {
      trainer.close();
      network.close();
    }
  }

  private static ImageDataset images(int count) {
    Random random = new Random(1);
    List<byte[]> images = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      byte[] image = new byte[64];
      int edge = random.nextInt(9);
      for (int p = 0; p < 64; p++) {
        image[p] = (byte) (p % 8 < edge ? 0 : 255);
      }
      images.add(image);
    }
    return new InMemoryImages("edges", new ImageShape(8, 8, 1), images);
  }

  @ParameterizedTest
  @Tag("every-device")
  @EnumSource
  void theSameSeedGivesTheSameBytes(Precision precision) throws IOException {
    assumeComputes(precision);
    byte[] first;
    List<Double> losses;
    TrainingConfig config = CONFIG.withPrecision(precision);
    try (Run run = new Run(config)) {
      losses = run.steps(8);
      first = run.model();
    }
    try (Run run = new Run(config)) {
      assertEquals(losses, run.steps(8));
      assertArrayEquals(first, run.model());
    }
    try (Run run = new Run(config.withSeed(8))) {
      assertFalse(losses.equals(run.steps(8)), "another seed gave the same losses");
    }
  }

  /** Images that live on the device, and images that come there batch by batch. */
  @Test
  void whereTheImagesLiveDoesNotMatter() throws IOException {
    byte[] resident;
    List<Double> losses;
    try (Run run = new Run(CONFIG, 40 * 64L)) {
      losses = run.steps(8);
      resident = run.model();
    }
    try (Run run = new Run(CONFIG, 40 * 64L - 1)) {
      assertEquals(losses, run.steps(8));
      assertArrayEquals(resident, run.model());
    }
  }

  @ParameterizedTest
  @Tag("every-device")
  @EnumSource
  void aResumedRunIsTheUnbrokenOne(Precision precision) throws IOException {
    assumeComputes(precision);
    TrainingConfig config = CONFIG.withPrecision(precision);
    byte[] model;
    byte[] checkpoint;
    List<Double> losses;
    try (Run run = new Run(config)) {
      losses = run.steps(8);
      model = run.model();
      checkpoint = run.checkpoint(folder.resolve("unbroken"));
    }
    Path directory = folder.resolve("broken");
    try (Run run = new Run(config)) {
      run.steps(5);
      run.trainer.save(directory);
      run.steps(1); // lost: it was not saved
    }
    try (Run run = new Run(config)) {
      run.trainer.resume(directory);
      assertEquals(5, run.trainer.stepsDone());
      assertEquals(losses.subList(5, 8), run.steps(3));
      assertArrayEquals(model, run.model());
      assertArrayEquals(checkpoint, run.checkpoint(directory));
    }
    assertEquals(config, Trainer.readConfig(directory));
  }

  @ParameterizedTest
  @EnumSource
  void theMnistUnetResumesByteForByte(Precision precision) throws IOException {
    assumeComputes(precision);
    TrainingConfig config =
        TrainingConfig.defaults().withSteps(5).withBatchSize(3).withPrecision(precision);
    List<byte[]> pictures = new ArrayList<>();
    for (int i = 0; i < 7; i++) {
      byte[] picture = new byte[28 * 28];
      new Random(i).nextBytes(picture);
      pictures.add(picture);
    }
    ImageDataset data = new InMemoryImages("noise", new ImageShape(28, 28, 1), pictures);
    byte[] unbroken = mnistRun(config, data, folder.resolve("unbroken"), 5);
    mnistRun(config, data, folder.resolve("broken"), 3);
    assertArrayEquals(unbroken, mnistRun(config, data, folder.resolve("broken"), 5));
  }

  /**
   * Resumes what is in {@code directory}, if anything, and returns the checkpoint after step {@code
   * last}.
   */
  private byte[] mnistRun(TrainingConfig config, ImageDataset data, Path directory, int last)
      throws IOException {
    Path checkpoint = directory.resolve(Trainer.CHECKPOINT);
    try (Denoiser network = Networks.create(backend, config.model(), config.seed());
        Trainer trainer = new Trainer(backend, network, data, config)) {
      if (Files.exists(checkpoint)) {
        trainer.resume(directory);
      }
      while (trainer.stepsDone() < last) {
        trainer.step();
      }
      trainer.save(directory);
    }
    return Files.readAllBytes(checkpoint);
  }

  @ParameterizedTest
  @EnumSource
  void theLossFalls(Prediction prediction) {
    TrainingConfig config =
        CONFIG.withModel(MODEL.withPrediction(prediction)).withSteps(150).withBatchSize(8);
    try (Run run = new Run(config)) {
      List<Double> losses = run.steps(150);
      assertTrue(
          mean(losses.subList(130, 150)) < 0.8 * mean(losses.subList(0, 5)),
          "losses " + losses.subList(0, 5) + " to " + losses.subList(145, 150));
    }
  }

  @Test
  @Tag("every-device")
  void aWarmStepReservesNoMemory() {
    try (Run run = new Run(CONFIG)) {
      run.steps(3);
      long reserved = run.trainer.reservedBytes();
      long parameters = run.network.parameters().arena().reservedBytes();
      int buffers = run.network.parameters().arena().liveBuffers();
      run.steps(5);
      assertEquals(reserved, run.trainer.reservedBytes());
      assertEquals(parameters, run.network.parameters().arena().reservedBytes());
      assertEquals(buffers, run.network.parameters().arena().liveBuffers());
    }
  }

  @Test
  void aLengthSetDuringWarmUpIsThatOfTheRun() throws IOException {
    byte[] expected;
    try (Run run = new Run(CONFIG.withOptimizer(CONFIG.optimizer().withWarmupSteps(4)))) {
      run.steps(8);
      expected = run.checkpoint(folder);
    }
    try (Run run =
        new Run(CONFIG.withOptimizer(CONFIG.optimizer().withWarmupSteps(4)).withSteps(1000))) {
      run.steps(3);
      run.trainer.changeSteps(8);
      run.steps(5);
      assertArrayEquals(expected, run.checkpoint(folder));
    }
  }

  @Test
  @Tag("every-device")
  void stopsBeforeAnUpdateThatIsNotANumber() throws IOException {
    try (Run run = new Run(CONFIG)) {
      run.steps(3);
      byte[] good = run.checkpoint(folder);
      Parameter bias = run.network.parameters().parameter("second.bias");
      MemorySegment before = MemorySegment.ofArray(new float[1]);
      backend.download(bias.value(), before);
      bias.upload(MemorySegment.ofArray(new float[] {Float.NaN}));
      var error = assertThrows(TrainingDivergedException.class, run.trainer::step);
      assertEquals(4, error.step());
      assertTrue(error.getMessage().contains("step 4"), error.getMessage());
      assertEquals(3, run.trainer.stepsDone());
      bias.upload(before);
      assertArrayEquals(good, run.checkpoint(folder), "something else was changed");
    }
  }

  @Test
  void refusesTheCheckpointOfAnotherRun() throws IOException {
    try (Run run = new Run(CONFIG)) {
      run.steps(1);
      run.trainer.save(folder);
    }
    TrainingConfig other =
        CONFIG.withModel(MODEL.withPrediction(Prediction.EPSILON)).withBatchSize(2).withSteps(99);
    try (Run run = new Run(other)) {
      var error = assertThrows(CheckpointException.class, () -> run.trainer.resume(folder));
      String message = error.getMessage();
      assertTrue(message.contains("batchSize: 4, not 2"), message);
      assertTrue(message.contains("model.prediction: \"v\", not \"epsilon\""), message);
      assertFalse(message.contains("steps: 8"), message);
      assertEquals(0, run.trainer.stepsDone());
    }
    try (Run run = new Run(CONFIG, 4)) {
      var error = assertThrows(CheckpointException.class, () -> run.trainer.resume(folder));
      assertTrue(error.getMessage().contains("first.weight"), error.getMessage());
      assertEquals(0, run.trainer.stepsDone());
    }
    try (Run run = new Run(CONFIG)) {
      assertThrows(CheckpointException.class, () -> run.trainer.resume(folder.resolve("nowhere")));
    }
  }

  @Test
  void refusesOtherImages() {
    ModelConfig larger = MODEL.withImage(16, 16, 1);
    try (TinyDenoiser network = new TinyDenoiser(backend, larger, 4, 1)) {
      assertThrows(
          IllegalArgumentException.class,
          () -> new Trainer(backend, network, images(4), CONFIG.withModel(larger)));
    }
    try (TinyDenoiser network = new TinyDenoiser(backend, MODEL, 4, 1)) {
      var error =
          assertThrows(
              IllegalArgumentException.class,
              () -> new Trainer(backend, network, images(3), CONFIG));
      assertTrue(error.getMessage().contains("larger than the data"), error.getMessage());
    }
  }

  @Test
  void aFailedSaveKeepsTheLastCheckpoint() throws IOException {
    try (Run run = new Run(CONFIG)) {
      run.steps(2);
      byte[] good = run.checkpoint(folder);
      Path file = folder.resolve(Trainer.CHECKPOINT);
      // a folder with content where the new file would be written makes the save fail
      Files.createDirectories(file.resolveSibling(file.getFileName() + ".partial").resolve("x"));
      run.steps(1);
      assertThrows(IOException.class, () -> run.trainer.save(folder));
      assertArrayEquals(good, Files.readAllBytes(file));
      run.trainer.resume(folder);
      assertEquals(2, run.trainer.stepsDone());
    }
  }

  @Test
  void aModelFileSaysWhatItIs() throws IOException {
    Path file = folder.resolve("model.safetensors");
    try (Run run = new Run(CONFIG)) {
      run.steps(4);
      run.trainer.writeModel(file);
      assertEquals(MODEL, ModelFile.readConfig(file));
      try (TinyDenoiser loaded = new TinyDenoiser(backend, MODEL, 8, 99);
          var averaged = run.trainer.averagedWeights()) {
        ModelFile.load(file, loaded);
        for (var parameter : loaded.parameters().parameters()) {
          Tensor expected = run.network.parameters().parameter(parameter.name()).value();
          assertArrayEquals(bytes(expected), bytes(parameter.value()), parameter.name());
        }
      }
      try (TinyDenoiser other = new TinyDenoiser(backend, MODEL, 4, 99)) {
        assertThrows(CheckpointException.class, () -> ModelFile.load(file, other));
      }
    }
  }

  private byte[] bytes(Tensor tensor) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment host = arena.allocate(4 * tensor.elements(), 64);
      backend.download(tensor, host);
      return host.toArray(ValueLayout.JAVA_BYTE);
    }
  }

  private static double mean(List<Double> values) {
    return values.stream().mapToDouble(Double::doubleValue).average().orElseThrow();
  }

  private void assumeComputes(Precision precision) {
    assumeTrue(
        precision != Precision.TF32 || backend.hasTensorFloats(),
        "skipped: this device has no tf32 numbers");
  }

  @Test
  void refusesANetworkOfAnotherDiffusion() {
    ModelConfig longer = CONFIG.model().withDiffusionSteps(CONFIG.model().diffusionSteps() + 1);
    try (TinyDenoiser network = new TinyDenoiser(backend, longer, 4, 1)) {
      var error =
          assertThrows(
              IllegalArgumentException.class,
              () -> new Trainer(backend, network, images(40), CONFIG));
      assertTrue(error.getMessage().contains("steps, the configuration says"), error.getMessage());
    }
  }

  @Test
  void aDeviceWithoutTensorFloatsSaysSo() {
    assumeFalse(backend.hasTensorFloats(), "skipped: this device has tf32 numbers");
    try (TinyDenoiser network = new TinyDenoiser(backend, MODEL, 4, 1)) {
      var error =
          assertThrows(
              IllegalArgumentException.class,
              () ->
                  new Trainer(backend, network, images(40), CONFIG.withPrecision(Precision.TF32)));
      assertTrue(error.getMessage().contains("tf32 needs a GPU"), error.getMessage());
    }
  }
}
