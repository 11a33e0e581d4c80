package dev.gatun.runtime.onednn.kernel;

/** Pooling by plain loops. */
final class ScalarResampling implements ResamplingKernels {

  @Override
  public void maxPool(
      int kernel,
      int stride,
      int width,
      int channels,
      Rows x,
      int outHeight,
      int outWidth,
      Rows y,
      long argmax) {
    for (int i = 0; i < outHeight; i++) {
      for (int j = 0; j < outWidth; j++) {
        long out = (long) i * outWidth + j;
        long corner = (long) i * stride * width + (long) j * stride;
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
  public void maxPoolGradient(
      int kernel,
      int stride,
      int height,
      int width,
      int channels,
      Rows dy,
      long argmax,
      int outHeight,
      int outWidth,
      Rows dx) {
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
              long out = (long) i * outWidth + j;
              int here = (h - i * stride) * kernel + (w - j * stride);
              if (Memory.getByte(argmax + out * channels + c) == here) {
                sum += Memory.get(dy.at(out) + (long) c * dy.size(), dy.low());
              }
            }
          }
          Memory.put(dx.at((long) h * width + w) + (long) c * dx.size(), sum, dx.low());
        }
      }
    }
  }

  @Override
  public void sumPool(
      int kernel,
      int stride,
      float scale,
      int width,
      int channels,
      Rows x,
      int outHeight,
      int outWidth,
      Rows y) {
    for (int i = 0; i < outHeight; i++) {
      for (int j = 0; j < outWidth; j++) {
        long corner = (long) i * stride * width + (long) j * stride;
        for (int c = 0; c < channels; c++) {
          float sum = 0;
          for (int u = 0; u < kernel; u++) {
            for (int v = 0; v < kernel; v++) {
              long from = x.at(corner + (long) u * width + v) + (long) c * x.size();
              sum += Memory.get(from, x.low());
            }
          }
          Memory.put(y.at((long) i * outWidth + j) + (long) c * y.size(), sum * scale, y.low());
        }
      }
    }
  }

  @Override
  public void sumPoolGradient(
      int kernel,
      int stride,
      float scale,
      int height,
      int width,
      int channels,
      Rows dy,
      int outHeight,
      int outWidth,
      Rows dx) {
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
              sum += Memory.get(dy.at((long) i * outWidth + j) + (long) c * dy.size(), dy.low());
            }
          }
          Memory.put(dx.at((long) h * width + w) + (long) c * dx.size(), sum * scale, dx.low());
        }
      }
    }
  }
}
