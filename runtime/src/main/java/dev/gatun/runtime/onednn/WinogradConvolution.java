package dev.gatun.runtime.onednn;

import dev.gatun.runtime.onednn.kernel.ReductionKernels;
import dev.gatun.runtime.onednn.kernel.Rows;
import dev.gatun.runtime.onednn.kernel.Tiling;
import dev.gatun.runtime.onednn.kernel.WinogradKernels;
import dev.gatun.runtime.op.ConvolutionGeometry;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * 3x3 convolutions of stride 1 by Winograd's F(2x2, 3x3), 16 products where the definition has 36:
 * see {@link WinogradKernels}. Between the transformations lie 16 matrix products, tiles x channels
 * times channels x channels. Each worker does its samples in blocks of tiles that stay in its
 * cache. For FLOAT32 only: oneDNN's direct way multiplies BFLOAT16 numbers twice as fast, and what
 * the transformations round would be lost.
 *
 * <p>The input gradient is the same with the weights turned by half a turn; the weight gradient is
 * dw = G^T [sum over tiles of (A dy A^T) * (B^T x B)] G.
 */
final class WinogradConvolution {

  private static final int LEAST_CHANNELS = 32;
  private static final int LEAST_TILES = 32;

  /**
   * Transformed weights, which are read once for each block of tiles: with more, a {@link
   * WideWinograd}.
   */
  private static final long MOST_WEIGHT_BYTES = 20L << 20;

  /** Transformed tiles, of both operands, that are worked on together. */
  private static final long BLOCK_BYTES = 1L << 20;

  private static final int LEAST_BLOCK = 64;

  private final WorkerPool pool;
  private final Packing packing;
  private final WinogradKernels winograd;
  private final ReductionKernels reduction;
  private final ConstantWeights constants;
  private final WideWinograd wide;

  WinogradConvolution(
      WorkerPool pool,
      Packing packing,
      WinogradKernels winograd,
      ReductionKernels reduction,
      ConstantWeights constants) {
    this.pool = pool;
    this.packing = packing;
    this.winograd = winograd;
    this.reduction = reduction;
    this.constants = constants;
    this.wide = new WideWinograd(pool, packing, winograd, reduction);
  }

  /** Whether this is the better way for {@code g} between tensors of these types. */
  boolean suits(ConvolutionGeometry g, Tensor... tensors) {
    for (Tensor each : tensors) {
      if (each.dtype() != DType.FLOAT32) {
        return false;
      }
    }
    return g.stride() == 1
        && g.kernelHeight() == 3
        && g.kernelWidth() == 3
        && g.paddingTop() <= 2
        && g.paddingLeft() <= 2
        && g.channels() >= LEAST_CHANNELS
        && g.outChannels() >= LEAST_CHANNELS
        && winograd.suits(g.channels())
        && winograd.suits(g.outChannels())
        && (!isWide(g) || WideWinograd.suits(tiles(g), g.channels(), g.outChannels()))
        && tiles(g) >= LEAST_TILES;
  }

  private static boolean isWide(ConvolutionGeometry g) {
    return weightBytes(g) > MOST_WEIGHT_BYTES;
  }

  /** Tiles of the larger of the two images. */
  private static long tiles(ConvolutionGeometry g) {
    int rows = half(Math.max(g.height(), g.outHeight()));
    int columns = half(Math.max(g.width(), g.outWidth()));
    return (long) g.batch() * rows * columns;
  }

  private static int half(int extent) {
    return (extent + 1) / 2;
  }

  private static long weightBytes(ConvolutionGeometry g) {
    return bytes(g.outChannels(), g.channels());
  }

  void forward(ConvolutionGeometry g, Tensor x, Tensor weight, @Nullable Tensor bias, Tensor y) {
    int rows = half(g.outHeight());
    int columns = half(g.outWidth());
    Tiling from =
        new Tiling(
            g.height(), g.width(), g.channels(), g.paddingTop(), g.paddingLeft(), rows, columns);
    Tiling to = new Tiling(g.outHeight(), g.outWidth(), g.outChannels(), 0, 0, rows, columns);
    convolve(g, from, x, weight, false, bias, to, y);
  }

  void inputGradient(
      ConvolutionGeometry g, Tensor dy, Tensor weight, @Nullable Tensor bias, Tensor dx) {
    int rows = half(g.height());
    int columns = half(g.width());
    Tiling from =
        new Tiling(
            g.outHeight(),
            g.outWidth(),
            g.outChannels(),
            2 - g.paddingTop(),
            2 - g.paddingLeft(),
            rows,
            columns);
    Tiling to = new Tiling(g.height(), g.width(), g.channels(), 0, 0, rows, columns);
    convolve(g, from, dy, weight, true, bias, to, dx);
  }

  /** result = the convolution of operand with the weights, or with the turned ones. */
  private void convolve(
      ConvolutionGeometry g,
      Tiling from,
      Tensor operand,
      Tensor weight,
      boolean turned,
      @Nullable Tensor bias,
      Tiling to,
      Tensor result) {
    if (isWide(g)) {
      wide.convolve(g.batch(), from, operand, weight, turned, bias, to, result);
      return;
    }
    long u = transformed(g, weight, turned);
    int inner = from.channels();
    int outer = to.channels();
    blocks(
        g,
        from,
        inner + outer,
        (worker, first, count) -> {
          long v = worker.scratch(Packing.TILES, bytes(count, inner));
          long m = worker.scratch(Packing.SECOND, bytes(count, outer));
          winograd.data(from, Rows.of(operand, 0), first, count, count, v);
          product(worker, count, outer, inner, false, false, false).run(worker, v, u, m);
          long shift = bias == null ? 0 : packing.bias(worker, bias);
          winograd.result(to, m, shift, first, count, Rows.of(result, 0));
        });
  }

  void weightGradient(
      ConvolutionGeometry g, Tensor x, Tensor dy, Tensor dweight, @Nullable Tensor dbias) {
    int rows = half(g.outHeight());
    int columns = half(g.outWidth());
    int inner = g.channels();
    int outer = g.outChannels();
    Tiling data =
        new Tiling(g.height(), g.width(), inner, g.paddingTop(), g.paddingLeft(), rows, columns);
    Tiling gradient = new Tiling(g.outHeight(), g.outWidth(), outer, 0, 0, rows, columns);
    if (isWide(g)) {
      wide.weightGradient(g.batch(), data, x, gradient, dy, dweight, dbias);
      return;
    }
    long[] partial = new long[pool.size()];
    double[][] sums = new double[pool.size()][dbias == null ? 0 : outer];
    blocks(
        g,
        data,
        inner + outer,
        (worker, first, count) -> {
          long v = worker.scratch(Packing.TILES, bytes(count, inner));
          long d = worker.scratch(Packing.SECOND, bytes(count, outer));
          long s = worker.scratch(Packing.WEIGHTS, weightBytes(g));
          winograd.data(data, Rows.of(x, 0), first, count, count, v);
          winograd.gradient(gradient, Rows.of(dy, 0), first, count, d);
          boolean more = partial[worker.index()] != 0;
          partial[worker.index()] = s;
          product(worker, outer, inner, count, true, false, more).run(worker, d, v, s);
          if (dbias != null) {
            reduction.sumRows(tileSums(d, count, outer), 0, count, sums[worker.index()]);
          }
        });
    packing.sumInto(pool, partial, weightBytes(g) / 4);
    long total = Packing.first(partial);
    Rows dw = Rows.dense(dweight.segment().address(), inner, DType.FLOAT32);
    pool.run(
        worker ->
            winograd.filterGradient(
                total, outer, inner, (int) worker.begin(outer), (int) worker.end(outer), dw));
    if (dbias != null) {
      ChannelNumbers.putTotal(sums, dbias);
    }
  }

  /**
   * The address of G weight G^T as [inputs, outputs] of the convolution, valid until the next call.
   */
  private long transformed(ConvolutionGeometry g, Tensor weight, boolean turned) {
    int outer = g.outChannels();
    int inner = g.channels();
    return constants.get(
        weight,
        new Transformed(outer, inner, turned),
        weightBytes(g),
        () -> pool.scratchHere(Packing.WEIGHTS, weightBytes(g)),
        u -> transform(g, weight, turned, u));
  }

  /** What is made of weights [outer, 3, 3, inner]. */
  private record Transformed(int outer, int inner, boolean turned) {}

  private void transform(ConvolutionGeometry g, Tensor weight, boolean turned, long u) {
    int outer = g.outChannels();
    int inner = g.channels();
    Rows w = Rows.dense(weight.segment().address(), inner, DType.FLOAT32);
    long first = turned ? u : pool.scratchHere(Packing.SHARED, weightBytes(g));
    pool.run(
        worker -> {
          int from = (int) worker.begin(outer);
          int to = (int) worker.end(outer);
          winograd.filter(w, outer, inner, from, to, turned, first);
        });
    if (!turned) {
      pool.run(
          worker -> {
            long place = worker.begin(WinogradKernels.PLACES);
            long places = worker.end(WinogradKernels.PLACES) - place;
            long offset = place * weightBytes(g) / WinogradKernels.PLACES;
            if (places > 0) {
              TranspositionKey key =
                  new TranspositionKey(places, outer, inner, WinogradKernels.GAP);
              worker.primitive(key, k -> k.make(worker)).run(worker, first + offset, u + offset);
            }
          });
    }
  }

  /** The 16 products of transformed matrices. */
  static Primitive product(
      Worker worker,
      int m,
      int n,
      int k,
      boolean leftTransposed,
      boolean rightTransposed,
      boolean accumulates) {
    BatchKey key =
        new BatchKey(
            DType.FLOAT32,
            WinogradKernels.PLACES,
            m,
            n,
            k,
            leftTransposed,
            rightTransposed,
            accumulates,
            WinogradKernels.GAP);
    return worker.primitive(key, q -> q.make(worker));
  }

  /** The sum of each tile of dy: place (1, 1) of A dy A^T. */
  static Rows tileSums(long d, int tiles, int channels) {
    long place = 4 * WinogradKernels.distance(tiles, channels);
    return Rows.dense(d + 5 * place, channels, DType.FLOAT32);
  }

  /** Bytes of the 16 matrices of rows by width. */
  static long bytes(int rows, int width) {
    return 4 * WinogradKernels.PLACES * WinogradKernels.distance(rows, width);
  }

  /** Work on {@code count} tiles from number {@code first} on. */
  @FunctionalInterface
  private interface Block {
    void run(Worker worker, long first, int count);
  }

  /** Each worker the tiles of its samples, in blocks of about one size. */
  private void blocks(ConvolutionGeometry g, Tiling tiling, int channels, Block work) {
    long fit = BLOCK_BYTES / (4L * WinogradKernels.PLACES * channels);
    pool.run(
        worker -> {
          long first = worker.begin(g.batch()) * tiling.perImage();
          long end = worker.end(g.batch()) * tiling.perImage();
          long tiles = end - first;
          if (tiles == 0) {
            return;
          }
          int size = (int) EvenParts.size(tiles, Math.max(LEAST_BLOCK, fit));
          for (long t = first; t < end; t += size) {
            work.run(worker, t, (int) Math.min(size, end - t));
          }
        });
  }
}
