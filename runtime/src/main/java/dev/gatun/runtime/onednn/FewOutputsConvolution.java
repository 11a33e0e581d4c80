package dev.gatun.runtime.onednn;

import dev.gatun.runtime.onednn.kernel.Memory;
import dev.gatun.runtime.onednn.kernel.Rows;
import dev.gatun.runtime.op.ConvolutionGeometry;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Convolutions to a handful of channels as matrix products: products[p, t] = sum_c x[p, c]
 * weight[t, c] over all input pixels, with taps t = (o, u, v), and then y[n,i,j,o] = bias[o] + sum
 * of products[(n, i - p + u, j - p + v), (o,u,v)].
 */
final class FewOutputsConvolution {

  private final WorkerPool pool;
  private final Packing packing;

  FewOutputsConvolution(WorkerPool pool, Packing packing) {
    this.pool = pool;
    this.packing = packing;
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
}
