package dev.gatun.runtime.onednn;

import dev.gatun.runtime.onednn.kernel.Memory;
import dev.gatun.runtime.onednn.kernel.Rows;
import dev.gatun.runtime.op.ConvolutionGeometry;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Convolutions to a handful of channels, such as the last of a U-Net, for which oneDNN's kernels
 * fill one lane of sixteen.
 *
 * <p>With taps t = (o, u, v): forward is the matrix product products[p, t] = sum_c x[p, c]
 * weight[t, c] over all input pixels, and then y[n,i,j,o] = bias[o] + sum of products[(n, i - p +
 * u, j - p + v), (o,u,v)]. The weight gradient is the matrix product of the shifted dy, [t, p],
 * with x.
 */
final class FewOutputsConvolution {

  private static final int MOST_OUTPUTS = 4;
  private static final int LEAST_INPUTS = 16;

  private final WorkerPool pool;
  private final Packing packing;

  FewOutputsConvolution(WorkerPool pool, Packing packing) {
    this.pool = pool;
    this.packing = packing;
  }

  /** Whether this is the better way for {@code g}. */
  static boolean suits(ConvolutionGeometry g) {
    return g.stride() == 1 && g.outChannels() <= MOST_OUTPUTS && g.channels() >= LEAST_INPUTS;
  }

  void forward(ConvolutionGeometry g, Tensor x, Tensor weight, @Nullable Tensor bias, Tensor y) {
    int taps = g.outChannels() * g.kernelHeight() * g.kernelWidth();
    int pixels = g.height() * g.width();
    long w = packing.weights(pool, weight, x.dtype());
    float[] shift = new float[g.outChannels()];
    for (int o = 0; bias != null && o < shift.length; o++) {
      Rows from = Rows.of(bias, 0);
      shift[o] = Memory.get(from.address() + (long) o * from.size(), from.low());
    }
    MatrixKey key =
        new MatrixKey(
            x.dtype(),
            DType.FLOAT32,
            pixels,
            taps,
            g.channels(),
            g.channels(),
            1,
            1,
            g.channels(),
            false);
    pool.run(
        worker -> {
          long products = worker.scratch(Packing.SECOND, 4L * pixels * taps);
          Primitive product = worker.primitive(key, k -> k.make(worker));
          Rows out = Rows.of(y, 0);
          for (int n = (int) worker.begin(g.batch()); n < worker.end(g.batch()); n++) {
            long in = packing.dense(worker, Packing.FIRST, x, n, 1, x.dtype());
            product.run(worker, in, w, products);
            sumTaps(g, products, taps, shift, out, (long) n * g.outHeight() * g.outWidth());
          }
        });
  }

  private static void sumTaps(
      ConvolutionGeometry g, long products, int taps, float[] shift, Rows y, long first) {
    int area = g.kernelHeight() * g.kernelWidth();
    for (int i = 0; i < g.outHeight(); i++) {
      int firstU = Math.max(0, g.paddingTop() - i);
      int lastU = Math.min(g.kernelHeight(), g.height() + g.paddingTop() - i);
      for (int j = 0; j < g.outWidth(); j++) {
        int firstV = Math.max(0, g.paddingLeft() - j);
        int lastV = Math.min(g.kernelWidth(), g.width() + g.paddingLeft() - j);
        long out = y.at(first + (long) i * g.outWidth() + j);
        for (int o = 0; o < shift.length; o++) {
          float sum = shift[o];
          for (int u = firstU; u < lastU; u++) {
            long row = (long) (i - g.paddingTop() + u) * g.width() + j - g.paddingLeft();
            long tap = (long) o * area + (long) u * g.kernelWidth();
            for (int v = firstV; v < lastV; v++) {
              sum += Memory.getFloat(products + 4 * ((row + v) * taps + tap + v));
            }
          }
          Memory.put(out + (long) o * y.size(), sum, y.low());
        }
      }
    }
  }

  void weightGradient(
      ConvolutionGeometry g, Tensor x, Tensor dy, Tensor dweight, @Nullable Tensor dbias) {
    int taps = g.outChannels() * g.kernelHeight() * g.kernelWidth();
    int pixels = g.height() * g.width();
    DType type = Packing.common(x, dy);
    long floats = (long) taps * g.channels();
    long[] partial = new long[pool.size()];
    pool.share(
        g.batch(),
        (worker, from, count) -> {
          long in = packing.dense(worker, Packing.FIRST, x, from, count, type);
          long columns = (long) count * pixels;
          long shifted = worker.scratch(Packing.SECOND, columns * taps * type.byteSize());
          Rows gradient = Rows.of(dy, 0);
          Rows shiftedRows = Rows.dense(shifted, columns, type);
          for (int n = 0; n < count; n++) {
            long first = (long) (from + n) * g.outHeight() * g.outWidth();
            shift(g, gradient, first, shiftedRows, (long) n * pixels);
          }
          long out = worker.scratch(Packing.WEIGHTS, 4 * floats);
          partial[worker.index()] = out;
          MatrixKey key =
              new MatrixKey(
                  type,
                  DType.FLOAT32,
                  taps,
                  g.channels(),
                  columns,
                  columns,
                  1,
                  g.channels(),
                  1,
                  false);
          worker.primitive(key, k -> k.make(worker)).run(worker, shifted, in, out);
        });
    packing.finishGradient(pool, partial, dweight, dy, dbias);
  }

  /** to[(o,u,v), at + (h, w)] = dy[h + p - u, w + p - v, o], zero outside. */
  private static void shift(ConvolutionGeometry g, Rows dy, long first, Rows to, long at) {
    long tap = 0;
    for (int o = 0; o < g.outChannels(); o++) {
      for (int u = 0; u < g.kernelHeight(); u++) {
        for (int v = 0; v < g.kernelWidth(); v++) {
          long row = to.at(tap++) + at * to.size();
          for (int h = 0; h < g.height(); h++) {
            int i = h + g.paddingTop() - u;
            int firstW = Math.max(0, v - g.paddingLeft());
            int lastW = Math.min(g.width(), g.outWidth() + v - g.paddingLeft());
            boolean inside = i >= 0 && i < g.outHeight();
            long line = row + (long) h * g.width() * to.size();
            if (!inside || firstW >= lastW) {
              Memory.zero(line, (long) g.width() * to.size());
              continue;
            }
            Memory.zero(line, (long) firstW * to.size());
            Memory.zero(line + (long) lastW * to.size(), (long) (g.width() - lastW) * to.size());
            long from = dy.at(first + (long) i * g.outWidth() + firstW + g.paddingLeft() - v);
            for (int w = firstW; w < lastW; w++) {
              float value = Memory.get(from + (long) o * dy.size(), dy.low());
              Memory.put(line + (long) w * to.size(), value, to.low());
              from += dy.stride();
            }
          }
        }
      }
    }
  }
}
