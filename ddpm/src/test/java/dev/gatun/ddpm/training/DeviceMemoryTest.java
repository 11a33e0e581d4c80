package dev.gatun.ddpm.training;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.gatun.ddpm.TestBackends;
import dev.gatun.ddpm.TinyDenoiser;
import dev.gatun.ddpm.data.ImageDataset;
import dev.gatun.ddpm.data.ImageShape;
import dev.gatun.ddpm.data.InMemoryImages;
import dev.gatun.ddpm.diffusion.ModelConfig;
import dev.gatun.ddpm.diffusion.NetworkConfig;
import dev.gatun.ddpm.sampler.AncestralSampler;
import dev.gatun.ddpm.sampler.SamplingLoop;
import dev.gatun.runtime.cuda.CudaEmulator;
import dev.gatun.runtime.memory.DeviceArena;
import dev.gatun.runtime.op.Backend;
import java.util.Collections;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The estimate is no less than what the driver says a run takes, and not much more. */
@Tag("every-device")
class DeviceMemoryTest {
  private static final ImageShape SHAPE = new ImageShape(24, 20, 1);
  private static final ModelConfig MODEL =
      ModelConfig.defaults()
          .withNetwork(new NetworkConfig.Custom("tiny"))
          .withImage(24, 20, 1)
          .withDiffusionSteps(50);
  private static final int WIDTH = 32;

  @AfterEach
  void close() {
    assertEquals(0, DeviceArena.openArenas(), "open arenas");
    if (CudaEmulator.isUsed()) {
      CudaEmulator.set("memory", 8L << 30);
    }
  }

  private static void draw(
      Backend backend, Trainer trainer, TinyDenoiser network, int steps, Runnable watch) {
    TrainingConfig config = trainer.config();
    try (var averaged = trainer.averagedWeights();
        SamplingLoop loop =
            new SamplingLoop(
                backend,
                network,
                MODEL,
                AncestralSampler.of(steps),
                config.precision().activations())) {
      loop.draw(1, 0, 20, (done, total) -> watch.run());
    }
  }

  @ParameterizedTest
  @CsvSource({"40, FP32", "40, BF16", "3, BF16"})
  void isAsMuchAsTheRunTakes(int batch, Precision precision) {
    assumeTrue(CudaEmulator.isUsed(), "skipped: only the emulated GPU has no other user");
    CudaEmulator.require();
    CudaEmulator.set("memory", 640L << 20);
    TrainingConfig config =
        TrainingConfig.defaults()
            .withModel(MODEL)
            .withSteps(10)
            .withBatchSize(batch)
            .withPrecision(precision);
    ImageDataset images =
        new InMemoryImages("grey", SHAPE, Collections.nCopies(50, new byte[SHAPE.values()]));
    try (Backend backend = TestBackends.open()) {
      MemoryEstimate need =
          MemoryEstimate.of(
              backend,
              device -> new TinyDenoiser(device, MODEL, WIDTH, 1),
              images,
              config,
              (device, network, trainer) ->
                  draw(device, trainer, (TinyDenoiser) network, 3, () -> {}));
      long before = backend.memory().freeBytes().orElseThrow();
      long[] least = {before};
      Runnable watch =
          () -> least[0] = Math.min(least[0], backend.memory().freeBytes().orElseThrow());
      try (TinyDenoiser network = new TinyDenoiser(backend, MODEL, WIDTH, 1);
          Trainer trainer = new Trainer(backend, network, images, config)) {
        for (int round = 0; round < 2; round++) {
          for (int i = 0; i < 4; i++) {
            trainer.step();
            watch.run();
          }
          draw(backend, trainer, network, 6, watch);
        }
      }
      long taken = before - least[0];
      String numbers = need + ", taken " + taken;
      long tensors = need.bytes() - need.scratchBytes();
      assertTrue(taken <= need.bytes(), numbers);
      assertTrue(taken >= tensors, numbers);
      long operand = 4L * Math.max(batch, SamplingLoop.MICRO_BATCH) * SHAPE.values() * WIDTH;
      assertTrue(need.scratchBytes() <= (40L << 20) + 6 * operand, numbers);
    }
  }
}
