package dev.gatun.ddpm.data;

/**
 * Which images a training step sees, as a function of (seed, step) alone.
 *
 * <p>Step s, from 0, holds the positions [k b, (k + 1) b) of epoch e, where b is the batch size, e
 * = s div stepsPerEpoch and k = s mod stepsPerEpoch; the size mod b images that are left over at
 * the end of an epoch's order are dropped (others in each epoch). Order and flips are functions of
 * (seed, epoch, image).
 *
 * <p>Not safe for several threads at once.
 */
public final class BatchOrder {
  private final int batchSize;
  private final boolean horizontalFlip;
  private final long stepsPerEpoch;
  private final EpochOrder order;
  private final DataRandom flips;

  /**
   * @param data the images
   * @param batchSize images per step, 1 to data.size()
   * @param horizontalFlip whether each image is mirrored left to right in every other epoch, by
   *     chance
   * @param seed of the order and the flips
   * @throws IllegalArgumentException where the batch is larger than the data
   */
  public BatchOrder(ImageDataset data, int batchSize, boolean horizontalFlip, long seed) {
    if (batchSize < 1) {
      throw new IllegalArgumentException(
          "Batch of %d images: expected at least 1".formatted(batchSize));
    }
    if (batchSize > data.size()) {
      throw new IllegalArgumentException(
          "Batch of %,d images is larger than the data (%s): choose a batch size of at most %,d"
              .formatted(batchSize, data.describe(), data.size()));
    }
    this.batchSize = batchSize;
    this.horizontalFlip = horizontalFlip;
    this.stepsPerEpoch = data.size() / batchSize;
    this.order = new EpochOrder(data.size(), seed);
    this.flips = new DataRandom(seed, DataRandom.FLIP);
  }

  /** Images per step. */
  public int batchSize() {
    return batchSize;
  }

  /** data.size() div batchSize. */
  public long stepsPerEpoch() {
    return stepsPerEpoch;
  }

  /**
   * Image {@code place}, from 0, of {@code step}: its number in the data, or where it is mirrored
   * -1 minus its number.
   */
  public int pick(long step, int place) {
    if (step < 0) {
      throw new IllegalArgumentException("Step %d: expected 0 or more".formatted(step));
    }
    long epoch = step / stepsPerEpoch;
    int index = order.index(epoch, (int) (step % stepsPerEpoch) * batchSize + place);
    boolean flip = horizontalFlip && flips.bits(epoch, index) < 0;
    return flip ? -1 - index : index;
  }
}
