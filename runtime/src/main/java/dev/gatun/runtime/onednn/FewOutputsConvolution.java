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
    int[] places = places(g, taps);
    for (int i = 0; i < g.outHeight(); i++) {
      int firstU = Math.max(0, g.paddingTop() - i);
      int lastU = Math.min(g.kernelHeight(), g.height() + g.paddingTop() - i);
      boolean inner = lastU - firstU == g.kernelHeight();
      long line = (long) (i - g.paddingTop()) * g.width() - g.paddingLeft();
      for (int j = 0; j < g.outWidth(); j++) {
        int firstV = Math.max(0, g.paddingLeft() - j);
        int lastV = Math.min(g.kernelWidth(), g.width() + g.paddingLeft() - j);
        boolean whole = inner && lastV - firstV == g.kernelWidth();
        long window = products + 4 * (line + j) * taps;
        long out = y.at(first + (long) i * g.outWidth() + j);
        for (int o = 0; o < shift.length; o++) {
          float sum = shift[o];
          if (whole) {
            sum = sumWindow(sum, window, places);
          } else {
            for (int u = firstU; u < lastU; u++) {
              for (int v = firstV; v < lastV; v++) {
                sum += Memory.getFloat(window + places[u * g.kernelWidth() + v]);
              }
            }
          }
          Memory.put(out + (long) o * y.size(), sum, y.low());
          window += 4L * area;
        }
      }
    }
  }

  /** Where the products of a window lie, bytes from that of its first pixel with the first tap. */
  private static int[] places(ConvolutionGeometry g, int taps) {
    int[] places = new int[g.kernelHeight() * g.kernelWidth()];
    for (int k = 0; k < places.length; k++) {
      int pixel = k / g.kernelWidth() * g.width() + k % g.kernelWidth();
      places[k] = 4 * (pixel * taps + k);
    }
    return places;
  }

  private static float sumWindow(float start, long window, int[] places) {
    float sum = start;
    for (int place : places) {
      sum += Memory.getFloat(window + place);
    }
    return sum;
  }
}
