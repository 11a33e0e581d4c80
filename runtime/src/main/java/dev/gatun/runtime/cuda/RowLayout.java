package dev.gatun.runtime.cuda;

import dev.gatun.runtime.tensor.Tensor;

/**
 * How a kernel walks operands of one shape: rows of columns, dense ones as a single row, and which
 * columns it accesses 16 bytes at a time. One object serves all calls of a family, so that a call
 * allocates nothing.
 */
final class RowLayout {
  /** Threads of a block of the kernels that walk rows. */
  static final int THREADS = 256;

  /** Blocks along a grid's y-axis; a kernel goes on from there itself. */
  static final int MOST_BLOCKS_Y = 65_535;

  /**
   * Blocks for each multiprocessor at most, about four times as many as it has at a time: whatever
   * number the registers allow, what is left for the last of them is little.
   */
  private static final int BLOCKS_PER_MULTIPROCESSOR = 32;

  private static final int VECTOR_BYTES = 16;

  private final int mostBlocks;
  private long rows;
  private long width;
  private boolean dense;
  private boolean flat;
  private boolean alignedStarts;
  private boolean alignedRows;
  private int narrowest;

  RowLayout(CudaSession session) {
    mostBlocks = session.device().multiprocessors() * BLOCKS_PER_MULTIPROCESSOR;
  }

  /**
   * Begins with an operand of which {@code rows} rows of {@code width} columns count: of the whole
   * or of a sample.
   */
  RowLayout of(Tensor operand, long rows, long width) {
    this.rows = rows;
    this.width = width;
    dense = true;
    flat = false;
    alignedStarts = true;
    alignedRows = true;
    narrowest = Float.BYTES;
    return and(operand);
  }

  /** Begins with an operand and its own rows. */
  RowLayout of(Tensor operand) {
    return of(operand, operand.rows(), operand.channels());
  }

  /** One more operand. */
  RowLayout and(Tensor operand) {
    int size = operand.dtype().byteSize();
    dense &= operand.isDense();
    alignedStarts &= operand.segment().address() % VECTOR_BYTES == 0;
    alignedRows &= (long) operand.rowStride() * size % VECTOR_BYTES == 0;
    narrowest = Math.min(narrowest, size);
    return this;
  }

  /** Makes one row of all rows, where the operands are dense. */
  RowLayout flatten() {
    flattenSamples();
    alignedRows |= flat; // no row follows
    return this;
  }

  /** Makes one row of the rows of each sample, where the operands are dense. */
  RowLayout flattenSamples() {
    if (dense) {
      width *= rows;
      rows = 1;
      flat = true;
      alignedRows = width * narrowest % VECTOR_BYTES == 0; // wider operands' are then too
    }
    return this;
  }

  long rows() {
    return rows;
  }

  long width() {
    return width;
  }

  /** Elements from one row of {@code operand} to the next. */
  long stride(Tensor operand) {
    return flat ? width : operand.rowStride();
  }

  /** Elements of a 16-byte access of the narrowest operand. */
  int vectorWidth() {
    return VECTOR_BYTES / narrowest;
  }

  /** How many of the columns are accessed by vectors: a multiple of their width. */
  long vectorColumns() {
    return alignedStarts && alignedRows ? width - width % vectorWidth() : 0;
  }

  /**
   * Blocks for the accesses of the rows, a thread for each, as far as the device has use for them.
   */
  int blocks() {
    long vectors = vectorColumns();
    return blocks(rows * Math.max(vectors / vectorWidth(), width - vectors));
  }

  /** Blocks of each of {@code samples} samples, of which the rows are those of one. */
  int blocksOfSample(int samples) {
    return Math.min(blocks(), Math.ceilDiv(mostBlocks, samples));
  }

  /** Blocks for {@code threads} threads, as far as the device has use for them. */
  int blocks(long threads) {
    return Math.clamp(Math.ceilDiv(threads, THREADS), 1, mostBlocks);
  }
}
