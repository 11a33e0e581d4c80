package dev.gatun.ddpm.training;

import dev.gatun.ddpm.data.ImageDataset;
import dev.gatun.ddpm.data.ImageShape;
import dev.gatun.ddpm.diffusion.Denoiser;
import dev.gatun.runtime.memory.OutOfDeviceMemoryException;
import dev.gatun.runtime.op.Backend;
import dev.gatun.runtime.op.DryRunBackend;
import java.util.OptionalLong;
import java.util.function.Function;

/**
 * The device memory that a run reserves: found by doing its first steps on a {@link DryRunBackend},
 * so that each allocation is one that the run will make. What a library takes for itself (its
 * context, a convolution's scratch memory) is not in it.
 *
 * @param stateBytes weights, gradients, moments and averages; the data where it is small
 * @param stepBytes batch, activations and their gradients
 */
public record MemoryEstimate(long stateBytes, long stepBytes) {
  private static final int STEPS = 2; // until the step's arena has found its size

  /** All of it. */
  public long bytes() {
    return stateBytes + stepBytes;
  }

  /**
   * The need of a run of {@code config} on {@code device}, for a network that {@code network}
   * builds on the backend that it is given, and as many images as {@code data} has.
   */
  public static MemoryEstimate of(
      Backend device,
      Function<Backend, Denoiser> network,
      ImageDataset data,
      TrainingConfig config) {
    DryRunBackend dry = new DryRunBackend(device);
    ImageDataset blank = new Blank(data.shape(), data.size());
    try (Denoiser denoiser = network.apply(dry);
        Trainer trainer = new Trainer(dry, denoiser, blank, config)) {
      for (int i = 0; i < STEPS; i++) {
        trainer.step();
      }
      long step = trainer.reservedBytes();
      return new MemoryEstimate(dry.memory().peakBytes() - step, step);
    }
  }

  /**
   * The need of a run, where it fits.
   *
   * @throws OutOfDeviceMemoryException where {@code device} says that less is free, with the need,
   *     what is free, and the largest batch that fits
   */
  public static MemoryEstimate require(
      Backend device,
      Function<Backend, Denoiser> network,
      ImageDataset data,
      TrainingConfig config) {
    MemoryEstimate need = of(device, network, data, config);
    OptionalLong free = device.memory().freeBytes();
    if (free.isPresent() && need.bytes() > free.getAsLong()) {
      int batch = largestBatch(device, network, data, config, need, free.getAsLong());
      throw new OutOfDeviceMemoryException(
          "training with batches of %,d needs %s (%s for weights, moments, averages and a small data set, %s for the step), %s are free: %s"
              .formatted(
                  config.batchSize(),
                  mebibytes(need.bytes()),
                  mebibytes(need.stateBytes()),
                  mebibytes(need.stepBytes()),
                  mebibytes(free.getAsLong()),
                  batch > 0
                      ? "a batch size of %,d fits".formatted(batch)
                      : "no batch size fits, choose smaller images or a smaller network"));
    }
    return need;
  }

  /**
   * By the rule of three, and then tried: what a step needs is a little more than in proportion.
   */
  private static int largestBatch(
      Backend device,
      Function<Backend, Denoiser> network,
      ImageDataset data,
      TrainingConfig config,
      MemoryEstimate need,
      long free) {
    double share = (free - need.stateBytes()) / (double) need.stepBytes();
    int batch = (int) Math.floor(config.batchSize() * share);
    while (batch > 0) {
      if (of(device, network, data, config.withBatchSize(batch)).bytes() <= free) {
        return batch;
      }
      batch -= Math.max(1, batch / 16);
    }
    return 0;
  }

  private static String mebibytes(long bytes) {
    return "%,d MiB".formatted((bytes + (1 << 20) - 1) >> 20);
  }

  /** Data of which only the shape matters. */
  private record Blank(ImageShape shape, int size) implements ImageDataset {
    @Override
    public void read(int index, byte[] destination, int offset) {}

    @Override
    public String name(int index) {
      return "blank image " + index;
    }

    @Override
    public String describe() {
      return size + " blank images";
    }
  }
}
