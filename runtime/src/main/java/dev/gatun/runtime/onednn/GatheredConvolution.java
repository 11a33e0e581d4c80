package dev.gatun.runtime.onednn;

import dev.gatun.runtime.onednn.kernel.ElementwiseKernels;
import dev.gatun.runtime.onednn.kernel.Memory;
import dev.gatun.runtime.onednn.kernel.ReductionKernels;
import dev.gatun.runtime.onednn.kernel.Rows;
import dev.gatun.runtime.op.ConvolutionGeometry;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Convolutions to few pixels with many weights, as matrix products. oneDNN's kernels bring the
 * weights into a layout of their own at each call, and each worker would have a gradient of them to
 * add up; here they are read or written once, where they lie.
 *
 * <p>With windows[p, (u, v, c)] = x[n, s i - top + u, s j - left + v, c] for output pixel p = (n,
 * i, j), zero outside: y = windows weight^T + bias and dweight = dy^T windows, each worker its
 * output channels. For the input gradient, tap (u, v) at a time, dy weight[:, u, v, :] is added to
 * the pixels that the windows have there, each worker its input channels.
 */
final class GatheredConvolution {

  /** With fewer of them the windows cost more than the weights would. */
  private static final long LEAST_WEIGHTS_PER_PIXEL = 2048;

  private final WorkerPool pool;
  private final Packing packing;
  private final ElementwiseKernels elementwise;
  private final ReductionKernels reduction;

  GatheredConvolution(
      WorkerPool pool,
      Packing packing,
      ElementwiseKernels elementwise,
      ReductionKernels reduction) {
    this.pool = pool;
    this.packing = packing;
    this.elementwise = elementwise;
    this.reduction = reduction;
  }

  /** Whether this is the better way for {@code g}. */
  static boolean suits(ConvolutionGeometry g) {
    return window(g) * g.outChannels() >= LEAST_WEIGHTS_PER_PIXEL * pixels(g);
  }

  private static long pixels(ConvolutionGeometry g) {
    return (long) g.batch() * g.outHeight() * g.outWidth();
  }

  private static long taps(ConvolutionGeometry g) {
    return (long) g.kernelHeight() * g.kernelWidth();
  }

  private static long window(ConvolutionGeometry g) {
    return taps(g) * g.channels();
  }

  void forward(ConvolutionGeometry g, Tensor x, Tensor weight, @Nullable Tensor bias, Tensor y) {
    DType type = x.dtype();
    long window = window(g);
    long pixels = pixels(g);
    long windows = windows(g, x, type);
    pool.share(
        g.outChannels(),
        (worker, first, count) -> {
          long w =
              packing.denseRows(
                  worker, Packing.WEIGHTS, weight, taps(g) * first, taps(g) * count, type);
          long out = worker.scratch(Packing.SECOND, 4 * pixels * count);
          MatrixKey key =
              new MatrixKey(
                  type, DType.FLOAT32, pixels, count, window, window, 1, 1, window, bias != null);
          Primitive product = worker.primitive(key, k -> k.make(worker));
          if (bias != null) {
            product.run(worker, windows, w, packing.bias(worker, bias) + 4L * first, out);
          } else {
            product.run(worker, windows, w, out);
          }
          Rows to = Rows.of(y.channelSlice(first, count), 0);
          elementwise.copy(Rows.dense(out, count, DType.FLOAT32), to, pixels, count);
        });
  }

  void inputGradient(
      ConvolutionGeometry g, Tensor dy, Tensor weight, @Nullable Tensor bias, Tensor dx) {
    DType type = dy.dtype();
    long window = window(g);
    long pixels = pixels(g);
    long inputs = (long) g.batch() * g.height() * g.width();
    long w = packing.weights(pool, weight, type);
    pool.share(
        g.channels(),
        (worker, first, count) -> {
          long gradient = packing.denseRows(worker, Packing.FIRST, dy, 0, pixels, type);
          MatrixKey key =
              new MatrixKey(
                  type,
                  DType.FLOAT32,
                  pixels,
                  count,
                  g.outChannels(),
                  g.outChannels(),
                  1,
                  window,
                  1,
                  false);
          Primitive product = worker.primitive(key, k -> k.make(worker));
          long part = worker.scratch(Packing.SECOND, 4 * pixels * count);
          Rows sum =
              Rows.dense(worker.scratch(Packing.TILES, 4 * inputs * count), count, DType.FLOAT32);
          Memory.zero(sum.address(), 4 * inputs * count);
          for (int u = 0; u < g.kernelHeight(); u++) {
            for (int v = 0; v < g.kernelWidth(); v++) {
              long tap = ((long) u * g.kernelWidth() + v) * g.channels() + first;
              product.run(worker, gradient, w + tap * type.byteSize(), part);
              addTap(g, u, v, Rows.dense(part, count, DType.FLOAT32), sum, count);
            }
          }
          Rows to = Rows.of(dx.channelSlice(first, count), 0);
          if (bias != null) {
            Rows shift = Rows.of(bias.channelSlice(first, count), 0);
            elementwise.addVector(sum, shift, 0, to, 0, inputs, count);
          } else {
            elementwise.copy(sum, to, inputs, count);
          }
        });
  }

  void weightGradient(
      ConvolutionGeometry g, Tensor x, Tensor dy, Tensor dweight, @Nullable Tensor dbias) {
    DType type = Packing.common(x, dy);
    long window = window(g);
    long pixels = pixels(g);
    long windows = windows(g, x, type);
    pool.share(
        g.outChannels(),
        (worker, first, count) -> {
          long row = taps(g) * first;
          long rows = taps(g) * count;
          Tensor part = dy.channelSlice(first, count);
          long gradient = packing.denseRows(worker, Packing.FIRST, part, 0, pixels, type);
          long out = packing.targetRows(worker, Packing.WEIGHTS, dweight, row, rows, DType.FLOAT32);
          MatrixKey key =
              new MatrixKey(type, DType.FLOAT32, count, window, pixels, 1, count, window, 1, false);
          worker.primitive(key, k -> k.make(worker)).run(worker, gradient, windows, out);
          packing.spreadRows(dweight, row, rows, DType.FLOAT32, out);
        });
    if (dbias != null) {
      packing.sumRows(pool, dy, dbias);
    }
  }

  /** The address of the windows of {@code x}, dense and as {@code type}, until the next call. */
  private long windows(ConvolutionGeometry g, Tensor x, DType type) {
    long bytes = window(g) * type.byteSize();
    long address = pool.scratchHere(Packing.SHARED, pixels(g) * bytes);
    Rows from = Rows.of(x, 0);
    pool.run(
        worker -> {
          for (long p = worker.begin(pixels(g)); p < worker.end(pixels(g)); p++) {
            gather(g, from, p, address + p * bytes, type);
          }
        });
    return address;
  }

  private void gather(ConvolutionGeometry g, Rows x, long pixel, long to, DType type) {
    int width = g.channels();
    long bytes = (long) width * type.byteSize();
    long n = pixel / ((long) g.outHeight() * g.outWidth());
    int i = (int) (pixel / g.outWidth() % g.outHeight());
    int j = (int) (pixel % g.outWidth());
    int left = j * g.stride() - g.paddingLeft();
    int firstV = Math.min(g.kernelWidth(), Math.max(0, -left));
    int lastV = Math.max(firstV, Math.min(g.kernelWidth(), g.width() - left));
    for (int u = 0; u < g.kernelHeight(); u++) {
      int h = i * g.stride() - g.paddingTop() + u;
      long line = to + u * g.kernelWidth() * bytes;
      if (h < 0 || h >= g.height() || firstV == lastV) {
        Memory.zero(line, g.kernelWidth() * bytes);
        continue;
      }
      Memory.zero(line, firstV * bytes);
      Memory.zero(line + lastV * bytes, (g.kernelWidth() - lastV) * bytes);
      long row = (n * g.height() + h) * g.width() + left + firstV;
      elementwise.copy(
          new Rows(x.at(row), x.stride(), x.low()),
          Rows.dense(line + firstV * bytes, width, type),
          lastV - firstV,
          width);
    }
  }

  /** sum[(n, s i - top + u, s j - left + v)] += part[(n, i, j)] where that is a pixel. */
  private void addTap(ConvolutionGeometry g, int u, int v, Rows part, Rows sum, int width) {
    for (int n = 0; n < g.batch(); n++) {
      for (int i = 0; i < g.outHeight(); i++) {
        int h = i * g.stride() - g.paddingTop() + u;
        if (h < 0 || h >= g.height()) {
          continue;
        }
        for (int j = 0; j < g.outWidth(); j++) {
          int w = j * g.stride() - g.paddingLeft() + v;
          if (w >= 0 && w < g.width()) {
            long from = ((long) n * g.outHeight() + i) * g.outWidth() + j;
            long to = ((long) n * g.height() + h) * g.width() + w;
            reduction.accumulate(part.at(from), sum.at(to), width);
          }
        }
      }
    }
  }
}
