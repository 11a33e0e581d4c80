package dev.gatun.runtime.cuda;

import dev.gatun.runtime.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * How a kernel that goes down the rows of each sample is laid out: a block takes a range of a
 * sample's rows and a tile of channels, a thread neighbouring channels of every so many of these
 * rows. One object serves all calls of a family, so that a call allocates nothing.
 */
final class RowParts {
  /** Threads of a block. */
  static final int THREADS = 256;

  private static final int THREAD_BITS = 8;

  /** Two or three at a time, as registers allow: no turn is half empty. */
  private static final int BLOCKS_PER_MULTIPROCESSOR = 6;

  private static final int LEAST_ROWS_PER_THREAD = 4;
  private static final int ROWS_AHEAD = 4; // as in rows.cuh

  private final int wantedBlocks;
  private int vector;
  private int laneBits;
  private int tile;
  private int tiles;
  private int parts;
  private long partRows;
  private long blocks;

  RowParts(CudaSession session) {
    wantedBlocks = session.device().multiprocessors() * BLOCKS_PER_MULTIPROCESSOR;
  }

  /**
   * Lays out {@code rows} rows of each of {@code samples} samples, {@code vector} channels for each
   * thread.
   */
  RowParts of(long samples, long rows, int channels, int vector) {
    this.vector = vector;
    laneBits = Math.min(bits(Math.ceilDiv(channels, vector)), THREAD_BITS);
    tile = Math.min(channels, vector << laneBits);
    tiles = Math.ceilDiv(channels, tile);
    long rowsAtOnce = THREADS >> laneBits;
    long most = Math.max(1, rows / (LEAST_ROWS_PER_THREAD * rowsAtOnce));
    long wanted = Math.ceilDiv(wantedBlocks, samples * tiles);
    long perPart = Math.ceilDiv(rows, Math.min(most, wanted));
    partRows = Math.ceilDiv(perPart, rowsAtOnce) * rowsAtOnce;
    parts = Math.toIntExact(Math.ceilDiv(rows, partRows));
    blocks = samples * parts * tiles;
    return this;
  }

  /**
   * Channels of a thread: as many as 16 bytes of the narrower of x and y hold, so that accesses of
   * these are of 16 bytes; 1 where an operand's rows are not aligned to that.
   */
  static int vector(Tensor x, Tensor y, @Nullable Tensor other) {
    int width = 16 / Math.min(x.dtype().byteSize(), y.dtype().byteSize());
    boolean aligned =
        x.channels() % width == 0
            && isAligned(x)
            && isAligned(y)
            && (other == null || isAligned(other));
    return aligned ? width : 1;
  }

  private static boolean isAligned(Tensor x) {
    return x.segment().address() % 16 == 0 && (long) x.rowStride() * x.dtype().byteSize() % 16 == 0;
  }

  /** The least b with 2^b >= n. */
  static int bits(int n) {
    return n <= 1 ? 0 : 32 - Integer.numberOfLeadingZeros(n - 1);
  }

  /** Partial sums that a block of {@code threads} leaves for each channel. */
  static int slots(int threads, int laneBits) {
    return threads >> Math.max(laneBits, 5);
  }

  /** Threads side by side are 2 to this. */
  int laneBits() {
    return laneBits;
  }

  /** Channels of a block at most. */
  int tile() {
    return tile;
  }

  /** Ranges of a sample's rows. */
  int parts() {
    return parts;
  }

  /** Rows of a range, but for the last. */
  long partRows() {
    return partRows;
  }

  int blocks() {
    return Math.toIntExact(blocks);
  }

  /**
   * Bytes for the rows that a block's threads have on their way, {@code bytes} of each element, and
   * then in their place for {@code sets} sets of its partial sums.
   */
  int sharedBytes(int bytes, int sets) {
    int rows = ROWS_AHEAD * THREADS * vector * bytes;
    return Math.max(rows, sets * slots(THREADS, laneBits) * tile * Float.BYTES);
  }
}
