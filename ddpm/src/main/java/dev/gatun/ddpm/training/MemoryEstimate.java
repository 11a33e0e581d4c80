package dev.gatun.ddpm.training;

import dev.gatun.ddpm.data.ImageDataset;
import dev.gatun.ddpm.data.ImageShape;
import dev.gatun.ddpm.diffusion.Denoiser;
import dev.gatun.runtime.memory.OutOfDeviceMemoryException;
import dev.gatun.runtime.op.Backend;
import dev.gatun.runtime.op.DryRunBackend;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.function.Function;
import java.util.function.IntFunction;

/**
 * The device memory that a run needs: found by doing its first steps and drawing samples on a
 * {@link DryRunBackend}, so that each allocation is one that the run will make, and a bound of what
 * the device's operators reserve for themselves. What the driver and the libraries take for their
 * own code is not in it.
 *
 * @param stateBytes weights and their copy in bf16, gradients, moments and averages; the data where
 *     it is small
 * @param stepBytes batch, activations and their gradients
 * @param samplingBytes for samples that are drawn between steps
 * @param scratchBytes a bound of workspaces and of copies of operands in another type: {@link
 *     Backend#scratchBytes}
 */
public record MemoryEstimate(
    long stateBytes, long stepBytes, long samplingBytes, long scratchBytes) {
  private static final int STEPS = 3; // the step's arena finds its size in two, then it is captured

  /** All of it. */
  public long bytes() {
    return stateBytes + stepBytes + samplingBytes + scratchBytes;
  }

  /**
   * How a run draws samples between two steps. That of an estimate takes as many steps of a sampler
   * as it takes until it does nothing new: three.
   */
  @FunctionalInterface
  public interface Drawing {
    /** Draws with the network of {@code trainer} on its backend, and frees what it took. */
    void draw(Backend backend, Denoiser network, Trainer trainer);
  }

  /**
   * The need of a run of {@code config} on {@code device}, for a network that {@code network}
   * builds on the backend that it is given, as many images as {@code data} has, and samples that
   * {@code drawing} draws.
   */
  public static MemoryEstimate of(
      Backend device,
      Function<Backend, Denoiser> network,
      ImageDataset data,
      TrainingConfig config,
      Drawing drawing) {
    DryRunBackend dry = new DryRunBackend(device);
    ImageDataset blank = new Blank(data.shape(), data.size());
    try (Denoiser denoiser = network.apply(dry);
        Trainer trainer = new Trainer(dry, denoiser, blank, config)) {
      for (int i = 0; i < STEPS; i++) {
        trainer.step();
      }
      long step = trainer.reservedBytes();
      long training = dry.memory().peakBytes();
      drawing.draw(dry, denoiser, trainer);
      long sampling = dry.memory().peakBytes() - training;
      return new MemoryEstimate(training - step, step, sampling, dry.scratchBytes());
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
      TrainingConfig config,
      Drawing drawing) {
    IntFunction<MemoryEstimate> ofBatch =
        batch -> of(device, network, data, config.withBatchSize(batch), drawing);
    MemoryEstimate need = ofBatch.apply(config.batchSize());
    OptionalLong free = device.memory().freeBytes();
    if (free.isPresent() && need.bytes() > free.getAsLong()) {
      int batch =
          largestBatch(ofBatch, config.batchSize(), need, device.scratchBytes(0), free.getAsLong());
      throw new OutOfDeviceMemoryException(
          "training with batches of %,d needs %s (%s), %s are free: %s"
              .formatted(
                  config.batchSize(),
                  mebibytes(need.bytes()),
                  need.parts(),
                  mebibytes(free.getAsLong()),
                  batch > 0
                      ? "a batch size of %,d fits".formatted(batch)
                      : "no batch size fits, choose smaller images or a smaller network"));
    }
    return need;
  }

  private String parts() {
    List<String> parts = new ArrayList<>();
    parts.add(mebibytes(stateBytes) + " for weights, moments, averages and a small data set");
    parts.add(mebibytes(stepBytes) + " for the step");
    if (samplingBytes > 0) {
      parts.add(mebibytes(samplingBytes) + " for samples on the way");
    }
    if (scratchBytes > 0) {
      parts.add("up to " + mebibytes(scratchBytes) + " for the libraries' scratch");
    }
    return String.join(", ", parts);
  }

  /**
   * By the rule of three, and then tried: what a step needs is a little more than in proportion.
   *
   * @param need with {@code tried} images
   * @param fixedScratch of it, whatever the batch
   */
  private static int largestBatch(
      IntFunction<MemoryEstimate> ofBatch,
      int tried,
      MemoryEstimate need,
      long fixedScratch,
      long free) {
    long fixed = need.stateBytes() + need.samplingBytes() + fixedScratch;
    double share = (free - fixed) / (double) (need.bytes() - fixed);
    int batch = (int) Math.floor(tried * share);
    while (batch > 0) {
      if (ofBatch.apply(batch).bytes() <= free) {
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
