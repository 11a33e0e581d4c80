package dev.gatun.runtime.onednn;

import dev.gatun.runtime.onednn.kernel.ReductionKernels;
import dev.gatun.runtime.onednn.kernel.Rows;
import dev.gatun.runtime.onednn.kernel.Tiling;
import dev.gatun.runtime.onednn.kernel.WinogradKernels;
import dev.gatun.runtime.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * {@link WinogradConvolution} for few tiles of many channels, where the weights are most of the
 * memory: all tiles are transformed at first, then each worker takes its channels of the result, a
 * few at a time. Every weight is read once, and transformed weights never leave the caches.
 */
final class WideWinograd {

  /** Transformed weights that are worked on together. */
  private static final long CHUNK_BYTES = 4L << 20;

  /** All tiles transformed. */
  private static final long MOST_TILE_BYTES = 32L << 20;

  /** Channels of a chunk are a multiple of these, which fill every vector. */
  private static final int STEP = 16;

  /** Rows of the weights of one output channel. */
  private static final long TAPS = 9;

  private final WorkerPool pool;
  private final Packing packing;
  private final WinogradKernels winograd;
  private final ReductionKernels reduction;

  WideWinograd(
      WorkerPool pool, Packing packing, WinogradKernels winograd, ReductionKernels reduction) {
    this.pool = pool;
    this.packing = packing;
    this.winograd = winograd;
    this.reduction = reduction;
  }

  /** Whether so many tiles are few enough, and the channels can be divided. */
  static boolean suits(long tiles, int inputs, int outputs) {
    long widest = Math.max(inputs, outputs);
    return inputs % STEP == 0
        && outputs % STEP == 0
        && 4 * WinogradKernels.PLACES * tiles * widest <= MOST_TILE_BYTES;
  }

  /** As {@link WinogradConvolution}'s. */
  void convolve(
      int batch,
      Tiling from,
      Tensor operand,
      Tensor weight,
      boolean turned,
      @Nullable Tensor bias,
      Tiling to,
      Tensor result) {
    int tiles = batch * from.perImage();
    int inner = from.channels();
    int outer = to.channels();
    long v = transformed(tiles, from, operand);
    chunks(
        outer,
        inner,
        (worker, first, count) -> {
          long u = worker.scratch(Packing.WEIGHTS, WinogradConvolution.bytes(count, inner));
          long m = worker.scratch(Packing.SECOND, WinogradConvolution.bytes(tiles, count));
          if (turned) { // weights [inner, 9, outer]: some of the columns
            winograd.filter(columns(weight, first, count), inner, count, 0, inner, true, u);
          } else { // weights [outer, 9, inner]: some of the rows
            winograd.filter(Rows.of(weight, TAPS * first), count, inner, 0, count, false, u);
          }
          WinogradConvolution.product(worker, tiles, count, inner, false, !turned, false)
              .run(worker, v, u, m);
          long shift = bias == null ? 0 : packing.bias(worker, bias) + 4L * first;
          winograd.result(
              to.withChannels(count), m, shift, 0, tiles, columns(result, first, count));
        });
  }

  /** As {@link WinogradConvolution}'s; {@code data} tiles x and {@code gradient} dy. */
  void weightGradient(
      int batch,
      Tiling data,
      Tensor x,
      Tiling gradient,
      Tensor dy,
      Tensor dweight,
      @Nullable Tensor dbias) {
    int tiles = batch * data.perImage();
    int inner = data.channels();
    long v = transformed(tiles, data, x);
    chunks(
        gradient.channels(),
        inner,
        (worker, first, count) -> {
          long d = worker.scratch(Packing.SECOND, WinogradConvolution.bytes(tiles, count));
          long s = worker.scratch(Packing.WEIGHTS, WinogradConvolution.bytes(count, inner));
          winograd.gradient(gradient.withChannels(count), columns(dy, first, count), 0, tiles, d);
          WinogradConvolution.product(worker, count, inner, tiles, true, false, false)
              .run(worker, d, v, s);
          winograd.filterGradient(s, count, inner, 0, count, Rows.of(dweight, TAPS * first));
          if (dbias != null) {
            double[][] sums = new double[1][count];
            reduction.sumRows(WinogradConvolution.tileSums(d, tiles, count), 0, tiles, sums[0]);
            ChannelNumbers.putTotal(sums, dbias.channelSlice(first, count));
          }
        });
  }

  /** Some of the channels of a tensor. */
  private static Rows columns(Tensor tensor, int first, int count) {
    return Rows.of(tensor.channelSlice(first, count), 0);
  }

  /** The address of B^T x B of all tiles, valid until the next call. */
  private long transformed(int tiles, Tiling tiling, Tensor x) {
    int channels = tiling.channels();
    long v = pool.scratchHere(Packing.SHARED, WinogradConvolution.bytes(tiles, channels));
    pool.run(
        worker -> {
          long first = worker.begin(tiles);
          int count = (int) (worker.end(tiles) - first);
          winograd.data(tiling, Rows.of(x, 0), first, count, tiles, v + 4 * first * channels);
        });
    return v;
  }

  /** Each worker its channels of the result, in chunks with weights to {@code inner} others. */
  private void chunks(int outer, int inner, WorkerPool.Share work) {
    long fit = CHUNK_BYTES / (4L * WinogradKernels.PLACES * inner);
    int size = (int) Math.max(STEP, fit / STEP * STEP);
    pool.run(
        worker -> {
          int first = (int) worker.begin(outer / STEP) * STEP;
          int end = (int) worker.end(outer / STEP) * STEP;
          for (int c = first; c < end; c += size) {
            work.run(worker, c, Math.min(size, end - c));
          }
        });
  }
}
