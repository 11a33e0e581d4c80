package dev.gatun.runtime.onednn;

import dev.gatun.runtime.onednn.kernel.ElementwiseKernels;
import dev.gatun.runtime.onednn.kernel.Memory;
import dev.gatun.runtime.onednn.kernel.Rows;
import dev.gatun.runtime.op.ConvolutionGeometry;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Convolutions whose windows are tiles: kernel = stride, no padding. They are matrix products
 * between the pixels of y and the tiles of x, tiles[p, (u,v,c)] = x[i s + u, j s + v, c]: y = tiles
 * weight^T + bias, dtiles = dy weight, dweight = dy^T tiles. Each worker does its samples a few at
 * a time, so that their tiles stay in its cache.
 */
final class TiledConvolution {

  private static final int LEAST_CHANNELS = 16;

  /** Bytes of tiles that are worked on together. */
  private static final long CHUNK = 512L << 10;

  private final WorkerPool pool;
  private final Packing packing;
  private final ElementwiseKernels kernels;

  TiledConvolution(WorkerPool pool, Packing packing, ElementwiseKernels kernels) {
    this.pool = pool;
    this.packing = packing;
    this.kernels = kernels;
  }

  /** Whether this is the better way for {@code g}. */
  static boolean suits(ConvolutionGeometry g) {
    return g.stride() > 1
        && g.kernelHeight() == g.stride()
        && g.kernelWidth() == g.stride()
        && g.paddingTop() == 0
        && g.paddingLeft() == 0
        && g.outHeight() * g.stride() <= g.height()
        && g.outWidth() * g.stride() <= g.width()
        && g.channels() >= LEAST_CHANNELS
        && g.outChannels() >= LEAST_CHANNELS;
  }

  /** The matrix product of {@code count} samples, the first of a worker's or later ones. */
  @FunctionalInterface
  private interface Product {
    Primitive of(Worker worker, int count, boolean first);
  }

  /** Work on samples {@code from} to {@code from + count}, with room for their tiles. */
  @FunctionalInterface
  private interface Chunk {
    void run(Worker worker, Primitive product, int from, int count, long tiles);
  }

  private void byChunks(ConvolutionGeometry g, DType tileType, Product product, Chunk work) {
    long perSample = (long) pixels(g) * taps(g) * tileType.byteSize();
    int most = (int) Math.max(1, CHUNK / perSample);
    pool.run(
        worker -> {
          int begin = (int) worker.begin(g.batch());
          int end = (int) worker.end(g.batch());
          int size = (int) EvenParts.size(end - begin, most);
          Primitive later = null; // of the full chunks after the first
          for (int n = begin; n < end; n += size) {
            int count = Math.min(size, end - n);
            Primitive now = n == begin || count < size ? null : later;
            if (now == null) {
              now = product.of(worker, count, n == begin);
              later = n == begin ? null : now;
            }
            work.run(worker, now, n, count, worker.scratch(Packing.TILES, count * perSample));
          }
        });
  }

  private static int pixels(ConvolutionGeometry g) {
    return g.outHeight() * g.outWidth();
  }

  private static int taps(ConvolutionGeometry g) {
    return g.stride() * g.stride() * g.channels();
  }

  void forward(ConvolutionGeometry g, Tensor x, Tensor weight, @Nullable Tensor bias, Tensor y) {
    DType type = x.dtype();
    DType result = type == DType.FLOAT32 ? DType.FLOAT32 : y.dtype();
    int taps = taps(g);
    int outputs = g.outChannels();
    long w = packing.weights(pool, weight, type);
    boolean biased = bias != null;
    byChunks(
        g,
        type,
        (worker, count, first) ->
            product(worker, type, result, count * pixels(g), outputs, taps, 1, taps, biased),
        (worker, product, from, count, tiles) -> {
          gather(g, x, from, count, tiles, type);
          long out = packing.target(worker, Packing.SECOND, y, from, count, result);
          if (bias != null) {
            product.run(worker, tiles, w, packing.bias(worker, bias), out);
          } else {
            product.run(worker, tiles, w, out);
          }
          packing.spread(y, from, count, result, out);
        });
  }

  void inputGradient(
      ConvolutionGeometry g, Tensor dy, Tensor weight, @Nullable Tensor bias, Tensor dx) {
    DType type = dy.dtype();
    DType result = type == DType.FLOAT32 ? DType.FLOAT32 : dx.dtype();
    int taps = taps(g);
    int inner = g.outChannels();
    long w = packing.weights(pool, weight, type);
    boolean biased = bias != null;
    byChunks(
        g,
        result,
        (worker, count, first) ->
            product(worker, type, result, count * pixels(g), taps, inner, taps, 1, biased),
        (worker, product, from, count, tiles) -> {
          long in = packing.dense(worker, Packing.FIRST, dy, from, count, type);
          if (bias != null) {
            product.run(worker, in, w, tiledBias(worker, g, bias), tiles);
          } else {
            product.run(worker, in, w, tiles);
          }
          scatter(g, tiles, result, dx, from, count);
          fillUncovered(worker, g, dx, from, count, bias);
        });
  }

  void weightGradient(
      ConvolutionGeometry g, Tensor x, Tensor dy, Tensor dweight, @Nullable Tensor dbias) {
    DType type = Packing.common(x, dy);
    int taps = taps(g);
    int outputs = g.outChannels();
    long floats = (long) outputs * taps;
    long[] partial = new long[pool.size()];
    byChunks(
        g,
        type,
        (worker, count, first) -> {
          long k = (long) count * pixels(g);
          BatchKey key = new BatchKey(type, 1, outputs, taps, k, true, false, !first, 0);
          return worker.primitive(key, q -> q.make(worker));
        },
        (worker, product, from, count, tiles) -> {
          gather(g, x, from, count, tiles, type);
          long gradient = packing.dense(worker, Packing.SECOND, dy, from, count, type);
          long out = worker.scratch(Packing.WEIGHTS, 4 * floats);
          partial[worker.index()] = out;
          product.run(worker, gradient, tiles, out);
        });
    packing.finishGradient(pool, partial, dweight, dy, dbias);
  }

  /** Dense rows [m, k] times the weights as [k, n], which lie with the given distances. */
  private static Primitive product(
      Worker worker,
      DType type,
      DType result,
      int m,
      int n,
      int k,
      int rightRowStride,
      int rightColumnStride,
      boolean bias) {
    MatrixKey key =
        new MatrixKey(type, result, m, n, k, k, 1, rightRowStride, rightColumnStride, bias);
    return worker.primitive(key, q -> q.make(worker));
  }

  /** The bias once for each place in a tile. */
  private long tiledBias(Worker worker, ConvolutionGeometry g, Tensor bias) {
    int places = g.stride() * g.stride();
    long address = worker.scratch(Packing.TILED_BIAS, 4L * taps(g));
    Rows one = new Rows(Rows.of(bias, 0).address(), 0, bias.dtype() == DType.BFLOAT16);
    kernels.copy(one, Rows.dense(address, g.channels(), DType.FLOAT32), places, g.channels());
    return address;
  }

  private void gather(
      ConvolutionGeometry g, Tensor x, int from, int count, long tiles, DType type) {
    copyLines(g, Rows.of(x, 0), Rows.dense(tiles, g.channels(), type), from, count, true);
  }

  private void scatter(
      ConvolutionGeometry g, long tiles, DType type, Tensor dx, int from, int count) {
    copyLines(g, Rows.of(dx, 0), Rows.dense(tiles, g.channels(), type), from, count, false);
  }

  /**
   * Copies between the lines of the images and those of the tiles, {@code stride} pixels each, in
   * the order of tiles[p, (u, v, c)].
   */
  private void copyLines(
      ConvolutionGeometry g, Rows images, Rows tiles, int from, int count, boolean inward) {
    int s = g.stride();
    int width = g.channels();
    boolean plain = images.low() == tiles.low() && images.isDense(width);
    long bytes = (long) s * tiles.stride();
    long tile = 0;
    for (long n = from; n < from + count; n++) {
      for (int i = 0; i < g.outHeight(); i++) {
        for (int j = 0; j < g.outWidth(); j++) {
          for (int u = 0; u < s; u++) {
            long pixel = (n * g.height() + (long) i * s + u) * g.width() + (long) j * s;
            if (plain && inward) {
              Memory.copy(images.at(pixel), tiles.at(tile), bytes);
            } else if (plain) {
              Memory.copy(tiles.at(tile), images.at(pixel), bytes);
            } else {
              Rows line = new Rows(images.at(pixel), images.stride(), images.low());
              Rows place = new Rows(tiles.at(tile), tiles.stride(), tiles.low());
              kernels.copy(inward ? line : place, inward ? place : line, s, width);
            }
            tile += s;
          }
        }
      }
    }
  }

  /** What no tile covers, the output padding of a transposed convolution, has the bias alone. */
  private void fillUncovered(
      Worker worker, ConvolutionGeometry g, Tensor dx, int from, int count, @Nullable Tensor bias) {
    int coveredHeight = g.outHeight() * g.stride();
    int coveredWidth = g.outWidth() * g.stride();
    if (coveredHeight == g.height() && coveredWidth == g.width()) {
      return;
    }
    int width = g.channels();
    Rows to = Rows.of(dx, 0);
    Rows pixel =
        Rows.dense(worker.scratch(Packing.PIXEL, (long) width * to.size()), width, dx.dtype());
    if (bias == null) {
      kernels.fill(0f, pixel, 1, width);
    } else {
      kernels.copy(Rows.of(bias, 0), pixel, 1, width);
    }
    for (long n = from; n < from + count; n++) {
      for (int h = 0; h < g.height(); h++) {
        for (int w = h < coveredHeight ? coveredWidth : 0; w < g.width(); w++) {
          long row = (n * g.height() + h) * g.width() + w;
          Memory.copy(pixel.address(), to.at(row), (long) width * to.size());
        }
      }
    }
  }
}
