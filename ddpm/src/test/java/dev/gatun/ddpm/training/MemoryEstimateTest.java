package dev.gatun.ddpm.training;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.ddpm.data.ImageShape;
import dev.gatun.ddpm.data.InMemoryImages;
import dev.gatun.ddpm.diffusion.Denoiser;
import dev.gatun.ddpm.sampler.AncestralSampler;
import dev.gatun.ddpm.sampler.SamplingLoop;
import dev.gatun.ddpm.unet.Networks;
import dev.gatun.runtime.memory.DeviceArena;
import dev.gatun.runtime.memory.DeviceMemory;
import dev.gatun.runtime.memory.OutOfDeviceMemoryException;
import dev.gatun.runtime.op.Backend;
import dev.gatun.runtime.op.Backends;
import java.lang.foreign.MemorySegment;
import java.lang.reflect.Proxy;
import java.util.Collections;
import java.util.OptionalLong;
import java.util.function.Function;
import java.util.function.LongUnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The need that is said before training is what training reserves. */
final class MemoryEstimateTest {
  private static final TrainingConfig CONFIG = TrainingConfig.defaults().withSteps(10);

  @AfterEach
  void nothingIsLeftOpen() {
    assertEquals(0, DeviceArena.openArenas(), "open arenas");
  }

  private static Function<Backend, Denoiser> network(TrainingConfig config) {
    return backend -> Networks.create(backend, config.model(), config.seed());
  }

  /** As the training command does: with averaged weights, in the run's precision. */
  private static MemoryEstimate.Drawing drawing(int steps, int count) {
    return (backend, network, trainer) -> {
      TrainingConfig config = trainer.config();
      try (var averaged = trainer.averagedWeights();
          SamplingLoop loop =
              new SamplingLoop(
                  backend,
                  network,
                  config.model(),
                  AncestralSampler.of(steps),
                  config.precision().activations())) {
        loop.draw(1, 0, count);
      }
    };
  }

  private static MemoryEstimate estimate(Backend device, TrainingConfig config) {
    return MemoryEstimate.of(device, network(config), IMAGES, config, drawing(3, 1));
  }

  private static MemoryEstimate require(Backend device, TrainingConfig config) {
    return MemoryEstimate.require(device, network(config), IMAGES, config, drawing(3, 1));
  }

  private static final InMemoryImages IMAGES =
      new InMemoryImages(
          "grey", new ImageShape(28, 28, 1), Collections.nCopies(70, new byte[28 * 28]));

  /** Counts what is reserved of a backend's memory, and says that {@code free} bytes are left. */
  private static final class Meter implements DeviceMemory {
    final DeviceMemory memory;
    final long free;
    long live;
    long peak;

    Meter(DeviceMemory memory, long free) {
      this.memory = memory;
      this.free = free;
    }

    @Override
    public MemorySegment reserve(long bytes) {
      live += bytes;
      peak = Math.max(peak, live);
      return memory.reserve(bytes);
    }

    @Override
    public void release(MemorySegment block) {
      live -= block.byteSize();
      memory.release(block);
    }

    @Override
    public OptionalLong freeBytes() {
      return OptionalLong.of(free);
    }
  }

  /** {@code backend} with {@code memory} in the place of its own. */
  private static Backend with(Backend backend, DeviceMemory memory) {
    return with(backend, memory, backend::scratchBytes);
  }

  private static Backend with(Backend backend, DeviceMemory memory, LongUnaryOperator scratch) {
    return (Backend)
        Proxy.newProxyInstance(
            Backend.class.getClassLoader(),
            new Class<?>[] {Backend.class},
            (proxy, method, arguments) ->
                switch (method.getName()) {
                  case "memory" -> memory;
                  case "scratchBytes" -> scratch.applyAsLong((long) arguments[0]);
                  default -> method.invoke(backend, arguments);
                });
  }

  @ParameterizedTest
  @CsvSource({"1, FP32", "5, BF16"})
  void isWhatTrainingReserves(int batch, Precision precision) {
    TrainingConfig config = CONFIG.withBatchSize(batch).withPrecision(precision);
    try (Backend cpu = Backends.open("cpu")) {
      MemoryEstimate need = estimate(cpu, config);
      Meter meter = new Meter(cpu.memory(), 0);
      Backend metered = with(cpu, meter);
      try (Denoiser denoiser = network(config).apply(metered);
          Trainer trainer = new Trainer(metered, denoiser, IMAGES, config)) {
        for (int i = 0; i < 4; i++) {
          trainer.step();
        }
        assertEquals(meter.peak, need.stateBytes() + need.stepBytes());
        assertEquals(trainer.reservedBytes(), need.stepBytes());
        drawing(5, 40).draw(metered, denoiser, trainer);
        assertEquals(meter.peak, need.bytes(), "with samples");
        assertTrue(need.samplingBytes() > 0, need.toString());
        trainer.step();
        assertEquals(meter.peak, need.bytes(), "with samples and a step after them");
      }
      assertEquals(0, meter.live, "what is still reserved");
    }
  }

  @Test
  void saysWhatFitsWhereItDoesNotFit() {
    try (Backend cpu = Backends.open("cpu")) {
      TrainingConfig config = CONFIG.withBatchSize(64);
      MemoryEstimate need = estimate(cpu, config);
      Backend roomy = with(cpu, new Meter(cpu.memory(), need.bytes()));
      assertEquals(need, require(roomy, config));

      long free = need.bytes() - 1;
      Backend tight = with(cpu, new Meter(cpu.memory(), free));
      String message =
          assertThrows(OutOfDeviceMemoryException.class, () -> require(tight, config)).getMessage();
      assertTrue(message.startsWith("training with batches of 64 needs "), message);
      int fits = Integer.parseInt(message.replaceAll(".*: a batch size of (\\d+) fits", "$1"));
      assertTrue(fits >= 48 && fits < 64, message);
      TrainingConfig smaller = config.withBatchSize(fits);
      assertTrue(estimate(cpu, smaller).bytes() <= free, "it does fit");
      assertTrue(message.contains(" for samples on the way), "), message);

      Backend tiny = with(cpu, new Meter(cpu.memory(), 1 << 20));
      assertTrue(
          assertThrows(OutOfDeviceMemoryException.class, () -> require(tiny, config))
              .getMessage()
              .endsWith("no batch size fits, choose smaller images or a smaller network"));
    }
  }

  /** A part of the scratch grows with the batch, and a part does not. */
  @Test
  void countsTheDevicesScratch() {
    try (Backend cpu = Backends.open("cpu")) {
      TrainingConfig config = CONFIG.withBatchSize(64);
      long fixed = 1 << 20;
      Backend device = with(cpu, new Meter(cpu.memory(), 0), operand -> fixed + 3 * operand);
      MemoryEstimate without = estimate(cpu, config);
      MemoryEstimate need = estimate(device, config);
      assertEquals(0, without.scratchBytes());
      assertEquals(without.bytes(), need.bytes() - need.scratchBytes());
      // Batch, pixels and channels of the largest image that a convolution reads.
      long perImage = (need.scratchBytes() - fixed) / 3 / 64;
      assertEquals(fixed + 3 * 64 * perImage, need.scratchBytes());
      assertTrue(perImage >= 4 * 28 * 28 * 32, "FLOAT32 bytes of an operand: " + perImage);

      long free = need.bytes() - 1;
      Backend tight = with(cpu, new Meter(cpu.memory(), free), operand -> fixed + 3 * operand);
      String message =
          assertThrows(OutOfDeviceMemoryException.class, () -> require(tight, config)).getMessage();
      assertTrue(message.contains(" MiB for the libraries' scratch), "), message);
      int fits = Integer.parseInt(message.replaceAll(".*: a batch size of (\\d+) fits", "$1"));
      assertTrue(fits >= 48 && fits < 64, message);
      assertTrue(estimate(device, config.withBatchSize(fits)).bytes() <= free, "it does fit");
    }
  }
}
