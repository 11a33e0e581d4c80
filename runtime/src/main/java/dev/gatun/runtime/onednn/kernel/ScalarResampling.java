package dev.gatun.runtime.onednn.kernel;

/** Pooling by plain loops. */
final class ScalarResampling implements ResamplingKernels {

  @Override
  public void maxPool(Pooling p, long n, Rows x, Rows y, long argmax) {
    int kernel = p.kernel();
    int stride = p.stride();
    int width = p.width();
    int channels = p.channels();
    int outHeight = p.outHeight();
    int outWidth = p.outWidth();
    long firstWindow = p.windowRow(n);
    long firstPixel = p.imageRow(n);
    for (int i = 0; i < outHeight; i++) {
      for (int j = 0; j < outWidth; j++) {
        long out = firstWindow + (long) i * outWidth + j;
        long corner = firstPixel + (long) i * stride * width + (long) j * stride;
        for (int c = 0; c < channels; c++) {
          float best = Float.NEGATIVE_INFINITY;
          int place = 0;
          for (int u = 0; u < kernel; u++) {
            for (int v = 0; v < kernel; v++) {
              long from = x.at(corner + (long) u * width + v) + (long) c * x.size();
              float next = Memory.get(from, x.low());
              if ((u == 0 && v == 0) || (!(next <= best) && !Float.isNaN(best))) {
                best = next;
                place = u * kernel + v;
              }
            }
          }
          Memory.put(y.at(out) + (long) c * y.size(), best, y.low());
          Memory.putByte(argmax + out * channels + c, place);
        }
      }
    }
  }

  @Override
  public void maxPoolGradient(Pooling p, long n, Rows dy, long argmax, Rows dx) {
    int kernel = p.kernel();
    int stride = p.stride();
    int height = p.height();
    int width = p.width();
    int channels = p.channels();
    int outHeight = p.outHeight();
    int outWidth = p.outWidth();
    long firstWindow = p.windowRow(n);
    long firstPixel = p.imageRow(n);
    for (int h = 0; h < height; h++) {
      int firstI = Math.max(0, (h - kernel + stride) / stride);
      int lastI = Math.min(outHeight - 1, h / stride);
      for (int w = 0; w < width; w++) {
        int firstJ = Math.max(0, (w - kernel + stride) / stride);
        int lastJ = Math.min(outWidth - 1, w / stride);
        for (int c = 0; c < channels; c++) {
          float sum = 0;
          for (int i = firstI; i <= lastI; i++) {
            for (int j = firstJ; j <= lastJ; j++) {
              long out = firstWindow + (long) i * outWidth + j;
              int here = (h - i * stride) * kernel + (w - j * stride);
              if (Memory.getByte(argmax + out * channels + c) == here) {
                sum += Memory.get(dy.at(out) + (long) c * dy.size(), dy.low());
              }
            }
          }
          Memory.put(
              dx.at(firstPixel + (long) h * width + w) + (long) c * dx.size(), sum, dx.low());
        }
      }
    }
  }

  @Override
  public void sumPool(Pooling p, long n, float scale, Rows x, Rows y) {
    int kernel = p.kernel();
    int stride = p.stride();
    int width = p.width();
    int channels = p.channels();
    int outHeight = p.outHeight();
    int outWidth = p.outWidth();
    long firstWindow = p.windowRow(n);
    long firstPixel = p.imageRow(n);
    for (int i = 0; i < outHeight; i++) {
      for (int j = 0; j < outWidth; j++) {
        long corner = firstPixel + (long) i * stride * width + (long) j * stride;
        for (int c = 0; c < channels; c++) {
          float sum = 0;
          for (int u = 0; u < kernel; u++) {
            for (int v = 0; v < kernel; v++) {
              long from = x.at(corner + (long) u * width + v) + (long) c * x.size();
              sum += Memory.get(from, x.low());
            }
          }
          Memory.put(
              y.at(firstWindow + (long) i * outWidth + j) + (long) c * y.size(),
              sum * scale,
              y.low());
        }
      }
    }
  }

  @Override
  public void sumPoolGradient(Pooling p, long n, float scale, Rows dy, Rows dx) {
    int kernel = p.kernel();
    int stride = p.stride();
    int height = p.height();
    int width = p.width();
    int channels = p.channels();
    int outHeight = p.outHeight();
    int outWidth = p.outWidth();
    long firstWindow = p.windowRow(n);
    long firstPixel = p.imageRow(n);
    for (int h = 0; h < height; h++) {
      int firstI = Math.max(0, (h - kernel + stride) / stride);
      int lastI = Math.min(outHeight - 1, h / stride);
      for (int w = 0; w < width; w++) {
        int firstJ = Math.max(0, (w - kernel + stride) / stride);
        int lastJ = Math.min(outWidth - 1, w / stride);
        for (int c = 0; c < channels; c++) {
          float sum = 0;
          for (int i = firstI; i <= lastI; i++) {
            for (int j = firstJ; j <= lastJ; j++) {
              sum +=
                  Memory.get(
                      dy.at(firstWindow + (long) i * outWidth + j) + (long) c * dy.size(),
                      dy.low());
            }
          }
          Memory.put(
              dx.at(firstPixel + (long) h * width + w) + (long) c * dx.size(),
              sum * scale,
              dx.low());
        }
      }
    }
  }
}
