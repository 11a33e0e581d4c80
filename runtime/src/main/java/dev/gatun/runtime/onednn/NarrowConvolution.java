package dev.gatun.runtime.onednn;

import dev.gatun.runtime.onednn.kernel.Memory;
import dev.gatun.runtime.onednn.kernel.NarrowImage;
import dev.gatun.runtime.onednn.kernel.NarrowKernels;
import dev.gatun.runtime.onednn.kernel.Rows;
import dev.gatun.runtime.op.ConvolutionGeometry;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Convolutions from or to a handful of channels, such as the first and the last of a U-Net, for
 * which oneDNN's kernels leave most of a vector's lanes empty: as sums over the windows of the
 * image of few channels, with the many channels in the lanes.
 *
 * <p>From few channels, k = (u, v, c): y[i,j,o] = bias[o] + sum_k x[i-p+u, j-p+v, c] weight[o,k]
 * and dweight[o,k] = sum_ij x[i-p+u, j-p+v, c] dy[i,j,o]. To few channels, k = (o, u, v): dx[h,w,c]
 * = sum_k dy[h+p-u, w+p-v, o] weight[k,c] and dweight[k,c] = sum_hw dy[h+p-u, w+p-v, o] x[h,w,c].
 */
final class NarrowConvolution {

  private static final int MOST_FEW = 4;
  private static final int LEAST_MANY = 16;

  /** Of the image of many channels, which is read once for each three numbers of a window. */
  private static final long READ_BYTES = 128L << 10;

  /** Of sums that are then brought to where and what they should be. */
  private static final long SUMS_BYTES = 32L << 10;

  private final WorkerPool pool;
  private final Packing packing;
  private final NarrowKernels kernels;

  NarrowConvolution(WorkerPool pool, Packing packing, NarrowKernels kernels) {
    this.pool = pool;
    this.packing = packing;
    this.kernels = kernels;
  }

  /** Whether this is the better way for the gradient of the weights. */
  static boolean suits(ConvolutionGeometry g) {
    return hasFewInputs(g) || hasFewOutputs(g);
  }

  /** Whether this is the better way forward, and for the gradient of the weights. */
  static boolean hasFewInputs(ConvolutionGeometry g) {
    return g.stride() == 1 && g.channels() <= MOST_FEW && g.outChannels() >= LEAST_MANY;
  }

  /** Whether this is the better way for both gradients. */
  static boolean hasFewOutputs(ConvolutionGeometry g) {
    return g.stride() == 1 && g.outChannels() <= MOST_FEW && g.channels() >= LEAST_MANY;
  }

  /** Work on some lines of windows, of which the first one has the number {@code first}. */
  @FunctionalInterface
  private interface Block {
    void run(NarrowImage part, long first, int lines);
  }

  /**
   * The image of few channels as windows.
   *
   * @param height of the image, and so on
   * @param top lines of zeros above it
   * @param lines of windows
   */
  private record Windows(
      int height,
      int width,
      int channels,
      int top,
      int left,
      int lines,
      int columns,
      int kernelHeight,
      int kernelWidth) {

    static Windows ofInput(ConvolutionGeometry g) {
      return new Windows(
          g.height(),
          g.width(),
          g.channels(),
          g.paddingTop(),
          g.paddingLeft(),
          g.outHeight(),
          g.outWidth(),
          g.kernelHeight(),
          g.kernelWidth());
    }

    static Windows ofOutput(ConvolutionGeometry g) {
      return new Windows(
          g.outHeight(),
          g.outWidth(),
          g.outChannels(),
          g.kernelHeight() - 1 - g.paddingTop(),
          g.kernelWidth() - 1 - g.paddingLeft(),
          g.height(),
          g.width(),
          g.kernelHeight(),
          g.kernelWidth());
    }

    private int framedLines() {
      return lines + kernelHeight - 1;
    }

    private int framedColumns() {
      return columns + kernelWidth - 1;
    }

    /** In the order (u, v, c). */
    int[] taps() {
      int[] taps = new int[kernelHeight * kernelWidth * channels];
      int k = 0;
      for (int u = 0; u < kernelHeight; u++) {
        for (int v = 0; v < kernelWidth; v++) {
          for (int c = 0; c < channels; c++) {
            taps[k++] = 4 * ((u * framedColumns() + v) * channels + c);
          }
        }
      }
      return taps;
    }

    /** In the order (c, u, v), of windows turned by half a turn. */
    int[] turnedTaps() {
      int[] taps = new int[kernelHeight * kernelWidth * channels];
      int k = 0;
      for (int c = 0; c < channels; c++) {
        for (int u = kernelHeight - 1; u >= 0; u--) {
          for (int v = kernelWidth - 1; v >= 0; v--) {
            taps[k++] = 4 * ((u * framedColumns() + v) * channels + c);
          }
        }
      }
      return taps;
    }

    private long line() {
      return 4L * framedColumns() * channels;
    }

    private long bytes() {
      return framedLines() * line();
    }

    /** Samples {@code from} to {@code from + count}, framed, some lines of windows at a time. */
    void eachBlock(Worker worker, Tensor image, int from, int count, int block, Block work) {
      NarrowImage[] blocks = blocks(worker, block);
      Rows pixels = Rows.of(image, 0);
      for (int n = from; n < from + count; n++) {
        frame(pixels, n, blocks[0].address());
        for (int i = 0; i < blocks.length; i++) {
          long first = ((long) n * lines + (long) i * block) * columns;
          work.run(blocks[i], first, Math.min(block, lines - i * block));
        }
      }
    }

    /** Where a worker frames a sample: from the beginning, from line {@code block} on, ... */
    private NarrowImage[] blocks(Worker worker, int block) {
      long address = worker.scratch(Packing.FIRST, bytes());
      NarrowImage[] images = new NarrowImage[Math.ceilDiv(lines, block)];
      for (int i = 0; i < images.length; i++) {
        images[i] = new NarrowImage(address + i * block * line(), line(), 4L * channels);
      }
      return images;
    }

    /** Puts sample {@code n} of {@code image} into a frame at {@code address}. */
    private void frame(Rows image, int n, long address) {
      Memory.zero(address, bytes());
      int firstColumn = Math.max(0, left);
      int lastColumn = Math.min(framedColumns(), width + left);
      for (int i = Math.max(0, top); i < Math.min(framedLines(), height + top); i++) {
        long to = address + i * line() + 4L * firstColumn * channels;
        for (int j = firstColumn; j < lastColumn; j++) {
          long from = image.at(((long) n * height + i - top) * width + j - left);
          for (int c = 0; c < channels; c++) {
            Memory.putFloat(to, Memory.get(from + (long) c * image.size(), image.low()));
            to += 4;
          }
        }
      }
    }
  }

  /** From few channels. */
  void forward(ConvolutionGeometry g, Tensor x, Tensor weight, @Nullable Tensor bias, Tensor y) {
    Windows windows = Windows.ofInput(g);
    int[] taps = windows.taps();
    long w = pool.scratchHere(Packing.WEIGHTS, 4L * taps.length * g.outChannels());
    Rows rows = Rows.dense(weight.segment().address(), taps.length, weight.dtype());
    transpose(rows, g.outChannels(), taps.length, Rows.dense(w, g.outChannels(), DType.FLOAT32));
    sumWindows(g, windows, x, taps, w, bias, y);
  }

  /** To few channels. */
  void inputGradient(
      ConvolutionGeometry g, Tensor dy, Tensor weight, @Nullable Tensor bias, Tensor dx) {
    Windows windows = Windows.ofOutput(g);
    long w = packing.weights(pool, weight, DType.FLOAT32);
    sumWindows(g, windows, dy, windows.turnedTaps(), w, bias, dx);
  }

  private void sumWindows(
      ConvolutionGeometry g,
      Windows windows,
      Tensor few,
      int[] taps,
      long w,
      @Nullable Tensor bias,
      Tensor many) {
    int width = many.channels();
    int columns = windows.columns();
    int block = linesIn(SUMS_BYTES, 4L * columns * width);
    pool.share(
        g.batch(),
        (worker, from, count) -> {
          long shift = bias == null ? zeros(worker, width) : packing.bias(worker, bias);
          windows.eachBlock(
              worker,
              few,
              from,
              count,
              block,
              (part, first, lines) -> {
                long pixels = (long) lines * columns;
                long sums =
                    packing.targetRows(worker, Packing.SECOND, many, first, pixels, DType.FLOAT32);
                kernels.forward(part, taps, w, shift, lines, columns, width, sums);
                packing.spreadRows(many, first, pixels, DType.FLOAT32, sums);
              });
        });
  }

  /** How many lines of some bytes fit. */
  private static int linesIn(long limit, long bytes) {
    return (int) Math.max(1, limit / bytes);
  }

  private static long zeros(Worker worker, int count) {
    long address = worker.scratch(Packing.BIAS, 4L * count);
    Memory.zero(address, 4L * count);
    return address;
  }

  /** From or to few channels. */
  void weightGradient(
      ConvolutionGeometry g, Tensor x, Tensor dy, Tensor dweight, @Nullable Tensor dbias) {
    if (hasFewOutputs(g)) {
      Windows windows = Windows.ofOutput(g);
      long[] partial = sumProducts(g, windows, dy, windows.turnedTaps(), x);
      packing.finishGradient(pool, partial, dweight, dy, dbias);
      return;
    }
    Windows windows = Windows.ofInput(g);
    int[] taps = windows.taps();
    long[] partial = sumProducts(g, windows, x, taps, dy);
    packing.sumInto(pool, partial, (long) taps.length * g.outChannels());
    Rows total = Rows.dense(Packing.first(partial), g.outChannels(), DType.FLOAT32);
    Rows to = Rows.dense(dweight.segment().address(), taps.length, dweight.dtype());
    transpose(total, taps.length, g.outChannels(), to);
    if (dbias != null) {
      packing.sumRows(pool, dy, dbias);
    }
  }

  /**
   * The workers' sums over their pixels of what a window holds times the pixel of many channels.
   */
  private long[] sumProducts(
      ConvolutionGeometry g, Windows windows, Tensor few, int[] taps, Tensor many) {
    Rows rows = Rows.of(many, 0);
    int width = many.channels();
    int columns = windows.columns();
    int block = linesIn(READ_BYTES, (long) columns * width * rows.size());
    long bytes = 4L * taps.length * width;
    long[] partial = new long[pool.size()];
    pool.share(
        g.batch(),
        (worker, from, count) -> {
          long sums = worker.scratch(Packing.WEIGHTS, bytes);
          partial[worker.index()] = sums;
          Memory.zero(sums, bytes);
          windows.eachBlock(
              worker,
              few,
              from,
              count,
              block,
              (part, first, lines) ->
                  kernels.weightGradient(part, taps, rows, first, lines, columns, width, sums));
        });
    return partial;
  }

  /** to[c, r] = from[r, c]. */
  private static void transpose(Rows from, int rows, int columns, Rows to) {
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < columns; c++) {
        float value = Memory.get(from.at(r) + (long) c * from.size(), from.low());
        Memory.put(to.at(c) + (long) r * to.size(), value, to.low());
      }
    }
  }
}
