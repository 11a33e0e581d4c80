package dev.gatun.runtime.cuda;

import dev.gatun.runtime.cuda.driver.CudaKernel;
import dev.gatun.runtime.cuda.driver.KernelArguments;
import dev.gatun.runtime.op.LossFunction;
import dev.gatun.runtime.op.Reduction;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/** Sums by the kernels of reduction.cu: parts, then the sum of the parts. */
final class CudaReduction implements Reduction {
  private static final int MOST_PARTS = 1024;
  private static final int ROWS_PER_THREAD = 8; // at least, where the rows are split
  private static final int MOST_LANES = 32;

  /** With eight loads on their way in each thread; more parts would take longer to add up. */
  private static final int BLOCKS_PER_MULTIPROCESSOR = 2;

  private final CudaSession session;
  private final int mostBlocks;
  private final RowLayout layout;
  private final KernelVariants sumRows;
  private final KernelVariants sumOfSquares;
  private final KernelVariants loss;
  private final KernelVariants sumParts;

  CudaReduction(CudaSession session) {
    this.session = session;
    mostBlocks = session.device().multiprocessors() * BLOCKS_PER_MULTIPROCESSOR;
    layout = new RowLayout(session);
    sumRows = new KernelVariants(session, "reduction", "sumRows");
    sumOfSquares = new KernelVariants(session, "reduction", "sumOfSquares");
    loss = new KernelVariants(session, "reduction", "loss");
    sumParts = new KernelVariants(session, "reduction", "sumParts");
  }

  @Override
  public void sumRows(Tensor x, Tensor y) {
    sumGroups(x, 1, y);
  }

  @Override
  public void sumPixels(Tensor x, Tensor y) {
    sumGroups(x, x.shape().batch(), y);
  }

  /** y[g, c] = the sum of the rows of group g of x; the rows are split where they are many. */
  private void sumGroups(Tensor x, int groups, Tensor y) {
    int channels = x.channels();
    long rows = x.rows() / groups;
    layout.of(x, rows, channels);
    int vector = layout.vectorColumns() == channels ? layout.vectorWidth() : 1;
    int lanes = lanes(channels / vector);
    long blocks = (long) Math.ceilDiv(channels / vector, lanes) * groups;
    long rowsOfBlock = (long) ROWS_PER_THREAD * RowLayout.THREADS / lanes;
    int chunks = (int) Math.max(1, Math.min(rows / rowsOfBlock, mostBlocks / Math.max(blocks, 1)));
    CudaKernel kernel = sumRows.of(x);
    if (chunks == 1) {
      sumRows(kernel, x, rows, 1, groups, channels, vector, y.segment(), y.rowStride());
      return;
    }
    MemorySegment parts = session.workspace((long) groups * chunks * channels * Float.BYTES);
    sumRows(kernel, x, rows, chunks, groups, channels, vector, parts, channels);
    sumRows(
        sumRows.of(DType.FLOAT32),
        parts,
        channels,
        chunks,
        1,
        groups,
        channels,
        channels % 4 == 0 ? 4 : 1,
        y.segment(),
        y.rowStride());
  }

  private static int lanes(int columns) {
    return Math.min(MOST_LANES, Integer.highestOneBit(2 * columns - 1));
  }

  private void sumRows(
      CudaKernel kernel,
      Tensor x,
      long rows,
      int chunks,
      int groups,
      int channels,
      int vector,
      MemorySegment sums,
      long sumsStride) {
    sumRows(
        kernel,
        x.segment(),
        x.rowStride(),
        rows,
        chunks,
        groups,
        channels,
        vector,
        sums,
        sumsStride);
  }

  private void sumRows(
      CudaKernel kernel,
      MemorySegment x,
      long stride,
      long rows,
      int chunks,
      int groups,
      int channels,
      int vector,
      MemorySegment sums,
      long sumsStride) {
    int parts = groups * chunks;
    int lanes = lanes(channels / vector);
    KernelArguments arguments =
        session
            .arguments()
            .pointer(x)
            .int64(stride)
            .int64(rows)
            .int64(Math.ceilDiv(rows, (long) chunks))
            .int32(chunks)
            .int32(parts)
            .int32(channels)
            .int32(lanes)
            .int32(vector > 1 ? 1 : 0)
            .pointer(sums)
            .int64(sumsStride);
    int tiles = Math.ceilDiv(channels / vector, lanes);
    int y = Math.min(parts, RowLayout.MOST_BLOCKS_Y);
    kernel.launch(session.stream(), tiles, y, 1, RowLayout.THREADS, 0, arguments);
  }

  @Override
  public void sumOfSquares(Tensor x, Tensor y) {
    layout.of(x).flatten();
    MemorySegment parts = session.workspace(MOST_PARTS * Float.BYTES);
    KernelArguments arguments =
        session
            .arguments()
            .pointer(x.segment())
            .int64(layout.stride(x))
            .int64(layout.rows())
            .int64(layout.width())
            .int64(layout.vectorColumns())
            .pointer(parts);
    sumParts(sumOfSquares.of(x), arguments, parts, 1, y);
  }

  @Override
  public void loss(
      LossFunction function, Tensor prediction, Tensor target, Tensor loss, Tensor gradient) {
    layout.of(prediction).and(target).and(gradient).flatten();
    MemorySegment parts = session.workspace(MOST_PARTS * Float.BYTES);
    KernelArguments arguments =
        session
            .arguments()
            .int32(function.ordinal())
            .pointer(prediction.segment())
            .int64(layout.stride(prediction))
            .pointer(target.segment())
            .int64(layout.stride(target))
            .float32(1f / prediction.elements())
            .pointer(gradient.segment())
            .int64(layout.stride(gradient))
            .int64(layout.rows())
            .int64(layout.width())
            .int64(layout.vectorColumns())
            .pointer(parts);
    CudaKernel kernel = this.loss.of(prediction, target, gradient);
    sumParts(kernel, arguments, parts, prediction.elements(), loss);
  }

  /** Launches a kernel that leaves a part per block, and adds the parts up. */
  private void sumParts(
      CudaKernel kernel,
      KernelArguments arguments,
      MemorySegment parts,
      float divisor,
      Tensor total) {
    int blocks = Math.min(layout.blocks(), MOST_PARTS);
    kernel.launch(session.stream(), blocks, 1, 1, RowLayout.THREADS, 0, arguments);
    sumParts
        .of()
        .launch(
            session.stream(),
            1,
            1,
            1,
            RowLayout.THREADS,
            0,
            session
                .arguments()
                .pointer(parts)
                .int32(blocks)
                .float32(divisor)
                .pointer(total.segment()));
  }
}
