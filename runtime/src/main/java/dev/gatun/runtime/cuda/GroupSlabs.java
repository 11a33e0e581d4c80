package dev.gatun.runtime.cuda;

/**
 * How many neighbouring groups of a sample a block of a resident kernel takes, if all pixels of
 * them fit into its shared memory: rows of at least 64 bytes where they fit, several blocks for
 * each multiprocessor, so that one loads while another computes, and enough of them to fill the
 * device. One object serves all calls of a family.
 */
final class GroupSlabs {
  private static final int THREADS = 256;
  private static final int SUMS = 2; // sets of partial sums at a time
  private static final int GOOD_ROW_BYTES = 64;
  private static final int RESERVED_BYTES =
      1024; // of a multiprocessor's shared memory, by each block

  private final int multiprocessors;
  private final int mostBytes;
  private int groups;
  private int laneBits;
  private int sharedBytes;
  private long blocks;

  GroupSlabs(CudaSession session) {
    this(session.device().multiprocessors(), session.device().sharedBytesPerBlock());
  }

  /** For {@code multiprocessors} that give a block {@code mostBytes} of shared memory. */
  GroupSlabs(int multiprocessors, int mostBytes) {
    this.multiprocessors = multiprocessors;
    this.mostBytes = mostBytes;
  }

  /**
   * Lays out samples of {@code pixels} rows and {@code allGroups} groups of {@code size} channels,
   * {@code vector} channels for each thread, {@code bytes} and {@code otherBytes} of each element
   * in shared memory. Returns whether a slab fits; where not, there is no layout.
   *
   * @param perMultiprocessor how many blocks should fit on a multiprocessor
   */
  boolean fit(
      int samples,
      int pixels,
      int allGroups,
      int size,
      int vector,
      int bytes,
      int otherBytes,
      int perMultiprocessor) {
    int step = vector / greatestDivisor(vector, size); // slabs begin at whole vectors
    groups = step;
    if (!fits(pixels, step * size, vector, bytes, otherBytes, mostBytes)) {
      return false;
    }
    int shareBytes = (mostBytes + RESERVED_BYTES) / perMultiprocessor - RESERVED_BYTES;
    while (2 * groups <= allGroups
        && fits(pixels, 2 * groups * size, vector, bytes, otherBytes, shareBytes)
        && (groups * size * bytes < GOOD_ROW_BYTES
            || blocks(samples, allGroups, 2 * groups) >= 2L * multiprocessors)) {
      groups *= 2;
    }
    int width = groups * size;
    laneBits = RowParts.bits(width / vector);
    sharedBytes = Math.toIntExact(bytes(pixels, width, vector, bytes, otherBytes));
    blocks = blocks(samples, allGroups, groups);
    return true;
  }

  private static boolean fits(
      int pixels, int width, int vector, int bytes, int otherBytes, int limit) {
    return width / vector <= THREADS && bytes(pixels, width, vector, bytes, otherBytes) <= limit;
  }

  private static long bytes(int pixels, int width, int vector, int bytes, int otherBytes) {
    long elements = (long) pixels * width;
    int slots = RowParts.slots(THREADS, RowParts.bits(width / vector));
    long sums = (long) SUMS * (slots * width + width) * Float.BYTES; // and two means of each group
    return round(elements * bytes) + round(elements * otherBytes) + sums;
  }

  private static long round(long bytes) {
    return Math.ceilDiv(bytes, 16) * 16;
  }

  private static long blocks(int samples, int allGroups, int groups) {
    return (long) samples * Math.ceilDiv(allGroups, groups);
  }

  private static int greatestDivisor(int a, int b) {
    return b == 0 ? a : greatestDivisor(b, a % b);
  }

  /** Groups of a slab, but for the last of a sample. */
  int groups() {
    return groups;
  }

  /** Threads side by side are 2 to this. */
  int laneBits() {
    return laneBits;
  }

  int sharedBytes() {
    return sharedBytes;
  }

  int blocks() {
    return Math.toIntExact(blocks);
  }
}
