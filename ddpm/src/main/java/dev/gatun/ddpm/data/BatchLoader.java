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
 * The bytes of the images of each step, in the order of a {@link BatchOrder}; the next batch is
 * prepared on a thread of its own while the caller works on this one.
 *
 * <p>A batch depends on nothing but (seed, s), so that a run that is resumed at s sees what it
 * would have seen. One thread at a time may call {@link #load}. A step allocates nothing that grows
 * with the batch.
 */
public final class BatchLoader implements AutoCloseable {
  private final ImageDataset data;
  private final BatchOrder order;
  private final int batchSize;
  private final byte[] image;

  private final Arena arena = Arena.ofShared();
  private final MemorySegment staging;
  private final MemorySegment stagingPicks;
  private final ExecutorService thread =
      Executors.newSingleThreadExecutor(
          Thread.ofPlatform().name("gatun-batch-loader").daemon().factory());
  private @Nullable Future<?> prepared;
  private long preparedStep = -1;
  private boolean closed;

  /**
   * Loads what {@code order}, which is used on the loader's thread alone, takes of {@code data}.
   */
  public BatchLoader(ImageDataset data, BatchOrder order) {
    this.data = data;
    this.order = order;
    this.batchSize = order.batchSize();
    this.image = new byte[data.shape().values()];
    this.staging = arena.allocate(batchBytes(), 64);
    this.stagingPicks = arena.allocate(ValueLayout.JAVA_INT, batchSize);
  }

  /** Images per step. */
  public int batchSize() {
    return batchSize;
  }

  /** The shape of one image. */
  public ImageShape shape() {
    return data.shape();
  }

  /** The bytes of one batch: batchSize * data.shape().values(). */
  public long batchBytes() {
    return (long) batchSize * image.length;
  }

  /**
   * Copies the batch of {@code step} to {@code destination} and begins to prepare the next one.
   *
   * @param step from 0, in any order; consecutive steps are prepared ahead
   * @param images batchSize x height x width x channels bytes
   * @param picks batchSize ints: n for image n of the batch as it is, -1 - n for it mirrored
   * @throws IllegalStateException where the data set could not be read, with its exception as the
   *     cause
   */
  public void load(long step, MemorySegment images, MemorySegment picks) {
    if (closed) {
      throw new IllegalStateException("The batch loader is closed: open a new one");
    }
    if (step < 0) {
      throw new IllegalArgumentException("Step %d: expected 0 or more".formatted(step));
    }
    if (images.byteSize() != batchBytes() || picks.byteSize() != stagingPicks.byteSize()) {
      throw new IllegalArgumentException(
          "Batch of %d images of %s: expected destinations of %,d and %,d bytes, got %,d and %,d"
              .formatted(
                  batchSize,
                  data.shape(),
                  batchBytes(),
                  stagingPicks.byteSize(),
                  images.byteSize(),
                  picks.byteSize()));
    }
    Future<?> batch = prepared;
    if (batch == null || preparedStep != step) {
      batch = prepare(step);
    }
    await(batch, step);
    images.copyFrom(staging);
    picks.copyFrom(stagingPicks);
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
   * Runs on the loader's thread alone, which therefore owns the order, the image and the buffers.
   */
  private void fill(long step) {
    for (int n = 0; n < batchSize; n++) {
      int pick = order.pick(step, n);
      data.read(pick < 0 ? -1 - pick : pick, image, 0);
      MemorySegment.copy(
          image, 0, staging, ValueLayout.JAVA_BYTE, (long) n * image.length, image.length);
      stagingPicks.setAtIndex(ValueLayout.JAVA_INT, n, pick < 0 ? -1 - n : n);
    }
  }

  /** Stops the thread and frees the buffers. */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      thread.close(); // waits for a batch under way
      arena.close();
    }
  }
}
