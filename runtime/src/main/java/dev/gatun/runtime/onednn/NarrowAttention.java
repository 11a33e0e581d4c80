package dev.gatun.runtime.onednn;

import static dev.gatun.runtime.onednn.kernel.NarrowAttentionKernels.ROWS;
import static dev.gatun.runtime.onednn.kernel.NarrowAttentionKernels.WIDTH;

import dev.gatun.runtime.onednn.AttentionShare.Extents;
import dev.gatun.runtime.onednn.kernel.AttentionKernels;
import dev.gatun.runtime.onednn.kernel.ElementwiseKernels;
import dev.gatun.runtime.onednn.kernel.Kernels;
import dev.gatun.runtime.onednn.kernel.Memory;
import dev.gatun.runtime.onednn.kernel.NarrowAttentionKernels;
import dev.gatun.runtime.onednn.kernel.Rows;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Tensor;

/**
 * Attention of heads of few channels, of which matrix products fill the processor's vectors and
 * tiles badly, by kernels of our own: four rows of scores at a time, which never leave the first
 * cache. Each worker has its (sample, head) pairs; all numbers are FLOAT32 between reading and
 * writing.
 */
final class NarrowAttention {

  /** Of heads that fill a vector matrix products are as quick. */
  private static final int LEAST_OF_WIDE = 16;

  private static final int SCRATCH = 1;

  private final WorkerPool pool;
  private final ElementwiseKernels elementwise;
  private final AttentionKernels rows;
  private final NarrowAttentionKernels kernels;

  NarrowAttention(WorkerPool pool, Kernels kernels, NarrowAttentionKernels heads) {
    this.pool = pool;
    this.elementwise = kernels.elementwise();
    this.rows = kernels.attention();
    this.kernels = heads;
  }

  static boolean suits(Extents e) {
    return e.size() < LEAST_OF_WIDE && e.size() % 4 == 0;
  }

  void forward(Extents e, Tensor q, Tensor k, Tensor v, Tensor out, Tensor logSumExp) {
    // where there are fewer pairs than workers, several workers share the queries of one
    int pairs = Math.toIntExact(e.pairs());
    int parts = Math.ceilDiv(pool.size(), pairs);
    pool.share(
        pairs * parts,
        (worker, first, count) -> {
          for (int i = first; i < first + count; i++) {
            int from = (int) Worker.begin(e.tokens(), i % parts, parts);
            int to = (int) Worker.begin(e.tokens(), i % parts + 1, parts);
            Head head = new Head(worker, e, i / parts);
            head.forward(from, to, q, k, v, out, logSumExp);
          }
        });
  }

  void gradient(
      Extents e,
      Tensor q,
      Tensor k,
      Tensor v,
      Tensor out,
      Tensor logSumExp,
      Tensor dout,
      Tensor dq,
      Tensor dk,
      Tensor dv) {
    pool.share(
        Math.toIntExact(e.pairs()),
        (worker, first, count) -> {
          for (int pair = first; pair < first + count; pair++) {
            new Head(worker, e, pair).gradient(q, k, v, out, logSumExp, dout, dq, dk, dv);
          }
        });
  }

  /** One pair on one worker. */
  private final class Head {
    private final Worker worker;
    private final AttentionShare share;
    private final int tokens;
    private final int size;

    /** Tokens with padding, which is zero. */
    private final int width;

    private final float scale;

    /** Bytes of a number of each token. */
    private final long row;

    /** Bytes of a head's numbers. */
    private final long matrix;

    /** Where free scratch memory begins. */
    private long next;

    Head(Worker worker, Extents e, long pair) {
      this.worker = worker;
      this.share = new AttentionShare(worker, e, elementwise, pair, 1);
      this.tokens = e.tokens();
      this.size = e.size();
      this.width = Math.ceilDiv(tokens, WIDTH) * WIDTH;
      this.scale = e.scale();
      this.row = 4L * width;
      this.matrix = row * size;
    }

    void forward(int from, int to, Tensor q, Tensor k, Tensor v, Tensor out, Tensor logSumExp) {
      next = worker.scratch(SCRATCH, 6 * matrix + (ROWS + 3) * row);
      long keys = transposed(packed(k, 0, tokens));
      long values = transposed(packed(v, 0, tokens));
      long queries = packed(q, from, to);
      long start = start();
      long denominators = room(row);
      long logs = room(row);
      long product = room(matrix);
      int count = Math.ceilDiv(to - from, ROWS) * ROWS;
      kernels.forward(
          queries,
          keys,
          values,
          start,
          count,
          width,
          size,
          scale,
          room(ROWS * row),
          product,
          denominators,
          logs);
      AttentionKernels.addLogarithms(count, denominators, logs);
      rows.divide(dense(product), denominators, share.rows(out, 0, from), to - from, size);
      Rows target = share.statistics(logSumExp, 0, from);
      elementwise.copy(Rows.dense(logs, to - from, DType.FLOAT32), target, 1, to - from);
    }

    void gradient(
        Tensor q,
        Tensor k,
        Tensor v,
        Tensor out,
        Tensor logSumExp,
        Tensor dout,
        Tensor dq,
        Tensor dk,
        Tensor dv) {
      next = worker.scratch(SCRATCH, 10 * matrix + (2 * ROWS + 3) * row);
      long queries = packed(q, 0, tokens);
      long douts = packed(dout, 0, tokens);
      long keys = packed(k, 0, tokens);
      long values = packed(v, 0, tokens);
      long zeros = zeros(room(row), row);
      long logs = zeros(room(row), row);
      long delta = zeros(room(row), row);
      Rows from = share.statistics(logSumExp, 0, 0);
      elementwise.copy(from, Rows.dense(logs, tokens, DType.FLOAT32), 1, tokens);
      rows.dots(share.rows(dout, 0, 0), share.rows(out, 0, 0), tokens, size, delta);
      long dKeys = room(matrix);
      long dValues = room(matrix);
      long dQueries = zeros(room(matrix), matrix);
      kernels.gradient(
          keys,
          values,
          transposed(queries),
          transposed(douts),
          zeros,
          tokens,
          width,
          size,
          scale,
          logs,
          delta,
          room(2 * ROWS * row),
          dKeys,
          dValues,
          dQueries);
      elementwise.copy(dense(dKeys), share.rows(dk, 0, 0), tokens, size);
      elementwise.copy(dense(dValues), share.rows(dv, 0, 0), tokens, size);
      long dQueryRows = room(matrix);
      kernels.transpose(dQueries, size, width, dQueryRows);
      elementwise.copy(dense(dQueryRows), share.rows(dq, 0, 0), tokens, size);
    }

    /** Tokens {@code from} to {@code to}, and zeros: [width, size]. */
    private long packed(Tensor x, int from, int to) {
      long address = room(matrix);
      elementwise.copy(share.rows(x, 0, from), dense(address), to - from, size);
      long end = 4L * (to - from) * size;
      zeros(address + end, matrix - end);
      return address;
    }

    private long transposed(long packed) {
      long address = room(matrix);
      kernels.transpose(packed, width, size, address);
      return address;
    }

    /** What scores begin with: padding has no part in a softmax. */
    private long start() {
      long address = zeros(room(row), row);
      for (int i = tokens; i < width; i++) {
        Memory.putFloat(address + 4L * i, -Float.MAX_VALUE);
      }
      return address;
    }

    private Rows dense(long address) {
      return Rows.dense(address, size, DType.FLOAT32);
    }

    private long room(long bytes) {
      long address = next;
      next += bytes;
      return address;
    }

    private static long zeros(long address, long bytes) {
      Memory.zero(address, bytes);
      return address;
    }
  }
}
