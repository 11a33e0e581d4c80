package dev.gatun.runtime.onednn;

import dev.gatun.runtime.onednn.kernel.Memory;
import dev.gatun.runtime.onednn.kernel.PairBlocks;
import dev.gatun.runtime.onednn.kernel.PairKernels;
import dev.gatun.runtime.onednn.kernel.PairLines;
import dev.gatun.runtime.onednn.kernel.PairStrips;
import dev.gatun.runtime.onednn.kernel.Rows;
import dev.gatun.runtime.op.ConvolutionGeometry;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * The weight gradient of BFLOAT16 convolutions by {@link PairKernels}: dw[o, u, v, c] = sum over n,
 * i, j of dy[n, i, j, o] x[n, s i - top + u, s j - left + v, c].
 *
 * <p>Some images, or some lines of one, are laid out in pairs, then summed over. Where there are
 * few weights each worker does that with its images, which stay in its cache, and has a gradient of
 * its own. Where there are many, all workers lay out the same images, then sum over them, each some
 * channels and taps of the one gradient, where it lies.
 */
final class PairedWeightGradient {

  /** The most weights of which each worker has a gradient. */
  private static final long OWN_WEIGHTS = 160L << 10;

  /** Bytes that one worker lays out together: within a second-level cache. */
  private static final long OWN_BYTES = 1L << 20;

  /**
   * Bytes of a block of x that all workers lay out: what the sums over one strip of dy read, too.
   */
  private static final long BLOCK_BYTES = 900L << 10;

  private static final int LANES = 16;

  private final WorkerPool pool;
  private final Packing packing;
  private final PairKernels kernels;

  PairedWeightGradient(WorkerPool pool, Packing packing, PairKernels kernels) {
    this.pool = pool;
    this.packing = packing;
    this.kernels = kernels;
  }

  /** Whether this is the better way for {@code g}. */
  static boolean suits(ConvolutionGeometry g, Tensor x, Tensor dy, Tensor dweight) {
    return x.dtype() == DType.BFLOAT16
        && dy.dtype() == DType.BFLOAT16
        && dweight.dtype() == DType.FLOAT32
        && g.channels() % PairKernels.BLOCK == 0
        && g.outChannels() % LANES == 0;
  }

  /** dweight, and dbias = the sum of dy's pixels. */
  void run(ConvolutionGeometry g, Tensor x, Tensor dy, Tensor dweight, @Nullable Tensor dbias) {
    Task task = new Task(g, x, dy, PairLayout.of(g).taps(), new long[pool.size()]);
    if (dweight.elements() <= OWN_WEIGHTS) {
      apart(task, dweight);
    } else {
      together(task, dweight);
    }
    if (dbias != null) {
      packing.putTotal(pool, task.totals, dbias);
    }
  }

  /**
   * What is to be done.
   *
   * @param taps of every part, see {@link PairLayout#taps}
   * @param totals the addresses of the workers' sums of dy's pixels, 0 before a worker has any
   */
  private record Task(ConvolutionGeometry g, Tensor x, Tensor dy, int[] taps, long[] totals) {}

  private void apart(Task task, Tensor dweight) {
    ConvolutionGeometry g = task.g;
    PairLayout image = PairLayout.of(g);
    PairLayout most = image.part(OWN_BYTES, image.bytes(), Math.ceilDiv(g.batch(), pool.size()));
    long[] partial = new long[pool.size()];
    pool.share(
        g.batch(),
        (worker, first, count) -> {
          long address = worker.scratch(Packing.FIRST, most.bytes());
          long dw = worker.scratch(Packing.WEIGHTS, 4 * dweight.elements());
          partial[worker.index()] = dw;
          for (int n = first; n < first + count; n += most.images()) {
            for (int i = 0; i < g.outHeight(); i += most.lines()) {
              PairLayout part = most.at(n, first + count, i);
              layOut(task, part, address, worker, 0, 1);
              sum(task, part, address, dw, n > first || i > 0, 0, 1);
            }
          }
        });
    packing.putTotal(pool, partial, dweight);
  }

  private void together(Task task, Tensor dweight) {
    ConvolutionGeometry g = task.g;
    PairLayout image = PairLayout.of(g);
    PairLayout most = image.part(BLOCK_BYTES, image.blockBytes(), g.batch());
    long address = pool.scratchHere(Packing.SHARED, most.bytes());
    long dw = dweight.segment().address();
    int workers = pool.size();
    for (int n = 0; n < g.batch(); n += most.images()) {
      for (int i = 0; i < g.outHeight(); i += most.lines()) {
        PairLayout part = most.at(n, g.batch(), i);
        boolean add = n > 0 || i > 0;
        pool.run(worker -> layOut(task, part, address, worker, worker.index(), workers));
        pool.run(worker -> sum(task, part, address, dw, add, worker.index(), workers));
      }
    }
  }

  /** Lays out a share of a part's lines and adds those of dy to the worker's total. */
  private void layOut(
      Task task, PairLayout part, long address, Worker worker, int share, int shares) {
    ConvolutionGeometry g = task.g;
    long totalBytes = 4L * g.outChannels();
    long zeroBytes = 2L * PairKernels.BLOCK;
    long total = worker.scratch(Packing.BIAS, totalBytes + zeroBytes);
    long zeros = total + totalBytes;
    if (task.totals[worker.index()] == 0) {
      task.totals[worker.index()] = total;
      Memory.zero(total, totalBytes + zeroBytes);
    }
    PairLines lines = part.imageLines();
    PairBlocks blocks = part.blocks(address);
    PairStrips strips = part.strips(address);
    int imageLines = part.images() * lines.lines();
    kernels.imageLines(
        Rows.of(task.x, 0),
        lines,
        zeros,
        blocks.address(),
        blocks.block(),
        begin(imageLines, share, shares),
        begin(imageLines, share + 1, shares));
    int gradientLines = part.images() * part.lines();
    kernels.gradientLines(
        Rows.of(task.dy, 0),
        g.outHeight(),
        g.outWidth(),
        part.image(),
        part.line(),
        zeros,
        worker.scratch(Packing.TILES, 4L * strips.pairs() * g.outChannels()),
        total,
        strips,
        begin(gradientLines, share, shares),
        begin(gradientLines, share + 1, shares));
  }

  /** A share of a part's sums. */
  private void sum(
      Task task, PairLayout part, long address, long dw, boolean add, int share, int shares) {
    PairStrips strips = part.strips(address);
    int sums = part.imageLines().blocks() * strips.count() * task.taps.length;
    kernels.sums(
        part.blocks(address),
        task.taps,
        strips,
        dw,
        4L * task.g.channels(),
        add,
        begin(sums, share, shares),
        begin(sums, share + 1, shares));
  }

  private static int begin(int items, int share, int shares) {
    return (int) Worker.begin(items, share, shares);
  }
}
