package dev.gatun.runtime.onednn;

import dev.gatun.runtime.onednn.kernel.ElementwiseKernels;
import dev.gatun.runtime.onednn.kernel.Rows;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Tensor;

/**
 * Some (sample, head) pairs of an attention, on one worker: their rows packed and brought back,
 * their products. Packed rows are dense, pair after pair.
 *
 * @param pair the first, where the heads of a sample follow each other
 * @param pairs how many
 */
record AttentionShare(
    Worker worker, Extents extents, ElementwiseKernels kernels, long pair, long pairs) {

  /** What the tensors of a call have in common; {@code type} is that of the products' factors. */
  record Extents(int batch, int heads, int tokens, int size, DType type) {

    /** BFLOAT16 factors where all inputs are, else FLOAT32. */
    static Extents of(int heads, Tensor... inputs) {
      Tensor q = inputs[0];
      DType type = DType.BFLOAT16;
      for (Tensor each : inputs) {
        if (each.dtype() != DType.BFLOAT16) {
          type = DType.FLOAT32;
        }
      }
      int batch = q.shape().batch();
      int tokens = Math.toIntExact(q.rows() / batch);
      return new Extents(batch, heads, tokens, q.channels() / heads, type);
    }

    long pairs() {
      return (long) batch * heads;
    }

    float scale() {
      return (float) (1 / Math.sqrt(size));
    }

    boolean low() {
      return type == DType.BFLOAT16;
    }

    /** How many of {@code all} pairs go through a product together. */
    long group(long all, long tile) {
      return EvenParts.size(all, Math.max(1, tile / ((long) tokens * Math.max(tokens, size))));
    }

    /** Rows of a tile: the tokens in equal parts, which are not too thin for a product. */
    int tileRows(long tile) {
      return (int) EvenParts.size(tokens, Math.max(MIN_ROWS, tile / tokens));
    }
  }

  private static final int MIN_ROWS = 16;

  /** Bytes of {@code rows} packed rows of the products' type. */
  long bytes(long rows) {
    return rows * extents.size * extents.type.byteSize();
  }

  /** The head of pair number {@code p} in {@code x}, from its token {@code token} on. */
  Rows rows(Tensor x, long p, int token) {
    long sample = (pair + p) / extents.heads;
    long head = (pair + p) % extents.heads;
    Rows rows = Rows.of(x, sample * extents.tokens + token);
    long at = rows.address() + head * extents.size * rows.size();
    return new Rows(at, rows.stride(), rows.low());
  }

  /** The statistics of pair number {@code p} from its token {@code token} on. */
  Rows statistics(Tensor logSumExp, long p, int token) {
    // [batch, heads, tokens]: a row per pair
    Rows rows = Rows.of(logSumExp, pair + p);
    return new Rows(rows.address() + (long) token * rows.size(), rows.stride(), rows.low());
  }

  /** Tokens {@code from} to {@code to} of each pair, packed in the products' type. */
  long pack(int scratch, Tensor x, int from, int to) {
    long bytes = bytes(to - from);
    long packed = worker.scratch(scratch, pairs * bytes);
    for (long p = 0; p < pairs; p++) {
      Rows target = Rows.dense(packed + p * bytes, extents.size, extents.type);
      kernels.copy(rows(x, p, from), target, to - from, extents.size);
    }
    return packed;
  }

  /** Packed FLOAT32 rows to tokens {@code from} to {@code to} of each pair. */
  void unpack(long packed, Tensor y, int from, int to) {
    for (long p = 0; p < pairs; p++) {
      kernels.copy(packedRows(packed, p, to - from), rows(y, p, from), to - from, extents.size);
    }
  }

  /** The packed FLOAT32 rows of pair number {@code p}, where each pair has {@code count}. */
  Rows packedRows(long packed, long p, long count) {
    return Rows.dense(packed + 4 * p * count * extents.size, extents.size, DType.FLOAT32);
  }

  /** {@code rows} by all tokens: left [rows, size] times the transpose of right [tokens, size]. */
  void multiplyOuter(int rows, long left, long right, long result) {
    run(rows, extents.tokens, extents.size, false, true, false, left, right, result);
  }

  /** {@code rows} of a sum over the tokens: left [rows, tokens] times right [tokens, size]. */
  void multiplyInner(int rows, long left, long right, long result) {
    run(rows, extents.size, extents.tokens, false, false, false, left, right, result);
  }

  /** A sum over {@code rows}: the transpose of left [rows, tokens] times right [rows, size]. */
  void multiplyTransposed(int rows, long left, long right, long result, boolean add) {
    run(extents.tokens, extents.size, rows, true, false, add, left, right, result);
  }

  private void run(
      int m,
      int n,
      int k,
      boolean leftTransposed,
      boolean rightTransposed,
      boolean add,
      long left,
      long right,
      long result) {
    BatchKey key =
        new BatchKey(extents.type, pairs, m, n, k, leftTransposed, rightTransposed, add, 0);
    worker.primitive(key, each -> each.make(worker)).run(worker, left, right, result);
  }
}
