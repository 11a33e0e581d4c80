package dev.gatun.runtime.onednn;

import dev.gatun.runtime.onednn.AttentionShare.Extents;
import dev.gatun.runtime.onednn.kernel.AttentionKernels;
import dev.gatun.runtime.onednn.kernel.ElementwiseKernels;
import dev.gatun.runtime.onednn.kernel.Kernels;
import dev.gatun.runtime.onednn.kernel.NarrowAttentionKernels;
import dev.gatun.runtime.onednn.kernel.Rows;
import dev.gatun.runtime.op.Attention;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Attention, of heads of few channels as {@link NarrowAttention}; of others by oneDNN's matrix
 * products on tiles of scores that stay in the cache. Each worker has its (sample, head) pairs;
 * small ones go through the products several at a time.
 *
 * <p>Factors are BFLOAT16 where all inputs are, else FLOAT32; scores, sums and statistics are
 * always FLOAT32.
 */
final class OneDnnAttention implements Attention {

  /** Scores that are worked on at a time: the gradient's two tiles are half of a level 2 cache. */
  private static final long TILE = 64 * 1024;

  // numbers of scratch memories
  private static final int Q = 1;
  private static final int K = 2;
  private static final int V = 3;
  private static final int D_OUT = 4;
  private static final int SCORES = 5;
  private static final int D_SCORES = 6;
  private static final int PRODUCT = 7;
  private static final int D_Q = 8;
  private static final int STATISTICS = 9;

  private final WorkerPool pool;
  private final ElementwiseKernels elementwise;
  private final AttentionKernels kernels;
  private final @Nullable NarrowAttention narrow;

  OneDnnAttention(WorkerPool pool, Kernels kernels) {
    this.pool = pool;
    this.elementwise = kernels.elementwise();
    this.kernels = kernels.attention();
    NarrowAttentionKernels heads = kernels.narrowAttention();
    this.narrow = heads == null ? null : new NarrowAttention(pool, kernels, heads);
  }

  @Override
  public void forward(int heads, Tensor q, Tensor k, Tensor v, Tensor out, Tensor logSumExp) {
    Extents e = Extents.of(heads, q, k, v);
    if (narrow != null && NarrowAttention.suits(e)) {
      narrow.forward(e, q, k, v, out, logSumExp);
      return;
    }
    // where there are fewer pairs than workers, several workers share the queries of one
    long parts = Math.ceilDiv(pool.size(), e.pairs());
    pool.run(
        worker -> {
          long begin = worker.begin(e.pairs() * parts);
          long end = worker.end(e.pairs() * parts);
          long group = parts > 1 ? 1 : e.group(end - begin, TILE);
          for (long i = begin; i < end; i += group) {
            long pairs = Math.min(group, end - i);
            var share = new AttentionShare(worker, e, elementwise, i / parts, pairs);
            int from = (int) Worker.begin(e.tokens(), i % parts, parts);
            int to = (int) Worker.begin(e.tokens(), i % parts + 1, parts);
            if (from < to) {
              forward(share, from, to, q, k, v, out, logSumExp);
            }
          }
        });
  }

  /** Queries {@code from} to {@code to}: all of them where the share has several pairs. */
  private void forward(
      AttentionShare share,
      int from,
      int to,
      Tensor q,
      Tensor k,
      Tensor v,
      Tensor out,
      Tensor logSumExp) {
    Extents e = share.extents();
    Worker worker = share.worker();
    long pairs = share.pairs();
    int tokens = e.tokens();
    int most = Math.min(e.tileRows(TILE), to - from);
    long queries = share.pack(Q, q, from, to);
    long keys = share.pack(K, k, 0, tokens);
    long values = share.pack(V, v, 0, tokens);
    long scores = worker.scratch(SCORES, 4 * pairs * most * tokens);
    long product = worker.scratch(PRODUCT, 4 * pairs * most * e.size());
    long denominators = worker.scratch(STATISTICS, 8 * pairs * most);
    long logs = denominators + 4 * pairs * most;
    for (int i = from; i < to; i += most) {
      int rows = Math.min(most, to - i);
      share.multiplyOuter(rows, queries + share.bytes(i - from), keys, scores);
      kernels.softmax(scores, pairs * rows, tokens, e.scale(), denominators, logs);
      if (e.low()) {
        kernels.narrow(scores, pairs * rows * tokens);
      }
      share.multiplyInner(rows, scores, values, product);
      for (long p = 0; p < pairs; p++) {
        kernels.divide(
            share.packedRows(product, p, rows),
            denominators + 4 * p * rows,
            share.rows(out, p, i),
            rows,
            e.size());
        elementwise.copy(
            Rows.dense(logs + 4 * p * rows, rows, DType.FLOAT32),
            share.statistics(logSumExp, p, i),
            1,
            rows);
      }
    }
  }

  @Override
  public void gradient(
      int heads,
      Tensor q,
      Tensor k,
      Tensor v,
      Tensor out,
      Tensor logSumExp,
      Tensor dout,
      Tensor dq,
      Tensor dk,
      Tensor dv) {
    Extents e = Extents.of(heads, q, k, v, dout);
    if (narrow != null && NarrowAttention.suits(e)) {
      narrow.gradient(e, q, k, v, out, logSumExp, dout, dq, dk, dv);
      return;
    }
    pool.run(
        worker -> {
          long begin = worker.begin(e.pairs());
          long end = worker.end(e.pairs());
          long group = e.group(end - begin, TILE);
          for (long i = begin; i < end; i += group) {
            long pairs = Math.min(group, end - i);
            var share = new AttentionShare(worker, e, elementwise, i, pairs);
            gradient(share, q, k, v, out, logSumExp, dout, dq, dk, dv);
          }
        });
  }

  /**
   * delta_i = dout_i . out_i; in tiles of which each row is a key, so that only dq is a sum over
   * them: P = e^(scale K Q^T - logSumExp), dS = scale P (V dout^T - delta), dv = P dout, dk = dS Q,
   * dq = dS^T K.
   */
  private void gradient(
      AttentionShare share,
      Tensor q,
      Tensor k,
      Tensor v,
      Tensor out,
      Tensor logSumExp,
      Tensor dout,
      Tensor dq,
      Tensor dk,
      Tensor dv) {
    Extents e = share.extents();
    Worker worker = share.worker();
    long pairs = share.pairs();
    int tokens = e.tokens();
    int most = e.tileRows(TILE);
    long queries = share.pack(Q, q, 0, tokens);
    long keys = share.pack(K, k, 0, tokens);
    long values = share.pack(V, v, 0, tokens);
    long douts = share.pack(D_OUT, dout, 0, tokens);
    long scores = worker.scratch(SCORES, 4 * pairs * most * tokens);
    long dscores = worker.scratch(D_SCORES, 4 * pairs * most * tokens);
    long product = worker.scratch(PRODUCT, 4 * pairs * most * e.size());
    long sum = worker.scratch(D_Q, 4 * pairs * tokens * e.size());
    long logs = worker.scratch(STATISTICS, 8 * pairs * tokens);
    long delta = logs + 4 * pairs * tokens;
    elementwise.copy(
        share.statistics(logSumExp, 0, 0), Rows.dense(logs, tokens, DType.FLOAT32), pairs, tokens);
    for (long p = 0; p < pairs; p++) {
      kernels.dots(
          share.rows(dout, p, 0), share.rows(out, p, 0), tokens, e.size(), delta + 4 * p * tokens);
    }
    for (int j = 0; j < tokens; j += most) {
      int rows = Math.min(most, tokens - j);
      share.multiplyOuter(rows, keys + share.bytes(j), queries, scores);
      share.multiplyOuter(rows, values + share.bytes(j), douts, dscores);
      kernels.gradient(scores, dscores, pairs, rows, tokens, e.scale(), logs, delta);
      if (e.low()) {
        kernels.narrow(scores, pairs * rows * tokens);
        kernels.narrow(dscores, pairs * rows * tokens);
      }
      share.multiplyInner(rows, scores, douts, product);
      share.unpack(product, dv, j, j + rows);
      share.multiplyInner(rows, dscores, queries, product);
      share.unpack(product, dk, j, j + rows);
      share.multiplyTransposed(rows, dscores, keys + share.bytes(j), sum, j > 0);
    }
    share.unpack(sum, dq, 0, tokens);
  }
}
