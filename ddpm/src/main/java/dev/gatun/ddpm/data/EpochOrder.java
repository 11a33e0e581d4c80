package dev.gatun.ddpm.data;

/**
 * The order in which an epoch visits a data set: a permutation of [0, size) that is a function of
 * (seed, epoch) alone, by Fisher and Yates' shuffle with counted random numbers. Nothing is
 * consumed: any epoch can be asked for at any time.
 *
 * <p>Keeps the permutation of the epoch that was asked for last; not safe for several threads at
 * once.
 */
public final class EpochOrder {
  private final DataRandom random;
  private final int[] order;
  private long epoch = -1;

  /**
   * @param size how many images the data set has, at least 1
   * @param seed of the run
   */
  public EpochOrder(int size, long seed) {
    if (size < 1) {
      throw new IllegalArgumentException("Order of %d images: expected at least 1".formatted(size));
    }
    this.random = new DataRandom(seed, DataRandom.ORDER);
    this.order = new int[size];
  }

  /**
   * The index of the image that is visited at {@code position}, in [0, size), of {@code epoch},
   * from 0.
   */
  public int index(long epoch, int position) {
    if (epoch < 0) {
      throw new IllegalArgumentException("Epoch %d: expected 0 or more".formatted(epoch));
    }
    if (epoch != this.epoch) {
      shuffle(epoch);
      this.epoch = epoch;
    }
    return order[position];
  }

  private void shuffle(long epoch) {
    for (int i = 0; i < order.length; i++) {
      order[i] = i;
    }
    for (int i = order.length - 1; i > 0; i--) {
      long bits = random.bits(epoch, i);
      // the high word of a 64 x 64 bit product is uniform on [0, i] but for 2^-33
      int j = (int) Math.unsignedMultiplyHigh(bits, i + 1L);
      int swapped = order[i];
      order[i] = order[j];
      order[j] = swapped;
    }
  }
}
