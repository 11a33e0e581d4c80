package dev.gatun.ddpm.data;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/**
 * Batches of shuffled images as floats x = 2 p / 255 - 1, NHWC; the next batch is prepared on a
 * thread of its own while the caller works on this one.
 *
 * <p>Step s, from 0, holds the positions [k b, (k + 1) b) of epoch e, where b is the batch size, e
 * = s div stepsPerEpoch and k = s mod stepsPerEpoch; the size mod b images that are left over at
 * the end of an epoch's order are dropped (others in each epoch). Order and flips are functions of
 * (seed, epoch, image): a batch depends on nothing but (seed, s), so that a run that is resumed at
 * s sees what it would have seen.
 *
 * <p>One thread at a time may call {@link #load}. A step allocates nothing that grows with the
 * batch.
 */
public final class BatchLoader implements AutoCloseable {
  private static final float[] VALUES = new float[256];

  static {
    for (int p = 0; p < VALUES.length; p++) {
      VALUES[p] = (float) (2.0 * p / 255 - 1);
    }
  }

  private final ImageDataset data;
  private final ImageShape shape;
  private final int batchSize;
  private final boolean horizontalFlip;
  private final long stepsPerEpoch;
  private final EpochOrder order;
  private final DataRandom flips;
  private final byte[] image;

  private final Arena arena = Arena.ofShared();
  private final MemorySegment staging;
  private final ExecutorService thread =
      Executors.newSingleThreadExecutor(
          Thread.ofPlatform().name("gatun-batch-loader").daemon().factory());
  private @Nullable Future<?> prepared;
  private long preparedStep = -1;
  private boolean closed;

  /**
   * @param data the images
   * @param batchSize images per step, 1 to data.size()
   * @param horizontalFlip whether each image is mirrored left to right in every other epoch, by
   *     chance
   * @param seed of the order and the flips
   * @throws IllegalArgumentException where the batch is larger than the data
   */
  public BatchLoader(ImageDataset data, int batchSize, boolean horizontalFlip, long seed) {
    if (batchSize < 1) {
      throw new IllegalArgumentException(
          "Batch of %d images: expected at least 1".formatted(batchSize));
    }
    if (batchSize > data.size()) {
      throw new IllegalArgumentException(
          "Batch of %,d images is larger than the data (%s): choose a batch size of at most %,d"
              .formatted(batchSize, data.describe(), data.size()));
    }
    this.data = data;
    this.shape = data.shape();
    this.batchSize = batchSize;
    this.horizontalFlip = horizontalFlip;
    this.flips = new DataRandom(seed, DataRandom.FLIP);
    this.stepsPerEpoch = data.size() / batchSize;
    this.order = new EpochOrder(data.size(), seed);
    this.image = new byte[shape.values()];
    this.staging = arena.allocate(batchBytes(), 64);
  }

  /** Images per step. */
  public int batchSize() {
    return batchSize;
  }

  /** The shape of one image. */
  public ImageShape shape() {
    return shape;
  }

  /** data.size() div batchSize. */
  public long stepsPerEpoch() {
    return stepsPerEpoch;
  }

  /** The bytes of one batch: batchSize * shape().values() * 4. */
  public long batchBytes() {
    return (long) batchSize * shape.values() * Float.BYTES;
  }

  /**
   * Copies the batch of {@code step} to {@code destination} and begins to prepare the next one.
   *
   * @param step from 0, in any order; consecutive steps are prepared ahead
   * @param destination batchSize x height x width x channels floats, native order
   * @throws IllegalStateException where the data set could not be read, with its exception as the
   *     cause
   */
  public void load(long step, MemorySegment destination) {
    if (closed) {
      throw new IllegalStateException("The batch loader is closed: open a new one");
    }
    if (step < 0) {
      throw new IllegalArgumentException("Step %d: expected 0 or more".formatted(step));
    }
    if (destination.byteSize() != batchBytes()) {
      throw new IllegalArgumentException(
          "Batch of %d images of %s: expected a destination of %,d bytes, got %,d"
              .formatted(batchSize, shape, batchBytes(), destination.byteSize()));
    }
    Future<?> batch = prepared;
    if (batch == null || preparedStep != step) {
      batch = prepare(step);
    }
    await(batch, step);
    MemorySegment.copy(staging, 0, destination, 0, batchBytes());
    prepare(step + 1);
  }

  private Future<?> prepare(long step) {
    Future<?> batch = thread.submit(() -> fill(step));
    prepared = batch;
    preparedStep = step;
    return batch;
  }

  private void await(Future<?> batch, long step) {
    boolean interrupted = false;
    try {
      while (true) {
        try {
          batch.get();
          return;
        } catch (InterruptedException e) {
          interrupted = true; // the batch is due in milliseconds: finish the step, keep the request
        } catch (ExecutionException e) {
          prepared = null;
          throw new IllegalStateException(
              "Step %d: cannot read its batch from %s (%s)"
                  .formatted(step, data.describe(), e.getCause()),
              e.getCause());
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /**
   * Runs on the loader's thread alone, which therefore owns the order, the flips, the image and the
   * staging buffer.
   */
  private void fill(long step) {
    long epoch = step / stepsPerEpoch;
    int first = (int) (step % stepsPerEpoch) * batchSize;
    long at = 0;
    for (int i = 0; i < batchSize; i++) {
      int index = order.index(epoch, first + i);
      data.read(index, image, 0);
      boolean flip = horizontalFlip && flips.bits(epoch, index) < 0;
      at = flip ? writeFlipped(at) : write(at);
    }
  }

  private long write(long at) {
    long next = at;
    for (byte p : image) {
      staging.setAtIndex(ValueLayout.JAVA_FLOAT, next++, VALUES[p & 255]);
    }
    return next;
  }

  private long writeFlipped(long at) {
    int channels = shape.channels();
    int stride = shape.width() * channels;
    long next = at;
    for (int row = 0; row < image.length; row += stride) {
      for (int pixel = row + stride - channels; pixel >= row; pixel -= channels) {
        for (int c = 0; c < channels; c++) {
          staging.setAtIndex(ValueLayout.JAVA_FLOAT, next++, VALUES[image[pixel + c] & 255]);
        }
      }
    }
    return next;
  }

  /** Stops the thread and frees the buffer. */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      thread.close(); // waits for a batch under way
      arena.close();
    }
  }
}
