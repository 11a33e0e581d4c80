package dev.gatun.runtime.onednn.kernel;

import static dev.gatun.runtime.onednn.kernel.Lanes.F;
import static dev.gatun.runtime.onednn.kernel.Lanes.I;
import static dev.gatun.runtime.onednn.kernel.Lanes.N;
import static dev.gatun.runtime.onednn.kernel.Lanes.ORDER;
import static dev.gatun.runtime.onednn.kernel.Memory.ALL;

import java.lang.invoke.MethodHandles;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * Pooling over vectors of channels, which must fill them. Run as copies for the dtypes of (operand,
 * -, result): see {@link Specialization}.
 */
final class VectorResampling implements ResamplingKernels {

  private static final Specialization FOR = Specialization.of(MethodHandles.lookup());
  private static final boolean LOW_0 = FOR.low0();
  private static final boolean LOW_RESULT = FOR.low2();

  private static final VectorSpecies<Byte> B =
      F.vectorBitSize() >= 256
          ? VectorSpecies.of(byte.class, VectorShape.forBitSize(F.vectorBitSize() / 4))
          : ByteVector.SPECIES_64;

  /** Whether vectors suit so many channels. */
  static boolean suits(int channels) {
    return channels % N == 0 && B.length() == N;
  }

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
        for (int c = 0; c < channels; c += N) {
          long first = x.at(corner) + (long) c * x.size();
          FloatVector best = load0(first);
          IntVector place = IntVector.zero(I);
          for (int u = 0; u < kernel; u++) {
            for (int v = 0; v < kernel; v++) {
              long offset = ((long) u * width + v) * x.stride();
              FloatVector next = load0(first + offset);
              VectorMask<Float> larger =
                  next.compare(VectorOperators.LE, best)
                      .or(best.test(VectorOperators.IS_NAN))
                      .not();
              best = best.blend(next, larger);
              place = place.blend(u * kernel + v, larger.cast(I));
            }
          }
          put(best, y.at(out) + (long) c * y.size());
          ((ByteVector) place.convertShape(VectorOperators.I2B, B, 0))
              .intoMemorySegment(ALL, argmax + out * channels + c, ORDER);
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
    if (kernel == stride) {
      maxPoolGradientOfTiles(p, n, dy, argmax, dx);
      return;
    }
    for (int h = 0; h < height; h++) {
      int firstI = Math.max(0, (h - kernel + stride) / stride);
      int lastI = Math.min(outHeight - 1, h / stride);
      for (int w = 0; w < width; w++) {
        int firstJ = Math.max(0, (w - kernel + stride) / stride);
        int lastJ = Math.min(outWidth - 1, w / stride);
        long to = dx.at(firstPixel + (long) h * width + w);
        for (int c = 0; c < channels; c += N) {
          FloatVector sum = FloatVector.zero(F);
          for (int i = firstI; i <= lastI; i++) {
            for (int j = firstJ; j <= lastJ; j++) {
              long out = firstWindow + (long) i * outWidth + j;
              int here = (h - i * stride) * kernel + (w - j * stride);
              IntVector place =
                  (IntVector)
                      ByteVector.fromMemorySegment(B, ALL, argmax + out * channels + c, ORDER)
                          .convertShape(VectorOperators.ZERO_EXTEND_B2I, I, 0);
              FloatVector g = load0(dy.at(out) + (long) c * dy.size());
              sum = sum.add(g, place.compare(VectorOperators.EQ, here).cast(F));
            }
          }
          put(sum, to + (long) c * dx.size());
        }
      }
    }
  }

  /** Of windows that do not overlap: each one's gradient is read once. */
  private static void maxPoolGradientOfTiles(Pooling p, long n, Rows dy, long argmax, Rows dx) {
    int kernel = p.kernel();
    int width = p.width();
    int channels = p.channels();
    int outWidth = p.outWidth();
    long firstPixel = p.imageRow(n);
    for (int i = 0; i < p.outHeight(); i++) {
      for (int j = 0; j < outWidth; j++) {
        long out = p.windowRow(n) + (long) i * outWidth + j;
        long to = dx.at(firstPixel + (long) i * kernel * width + (long) j * kernel);
        for (int c = 0; c < channels; c += N) {
          IntVector place =
              (IntVector)
                  ByteVector.fromMemorySegment(B, ALL, argmax + out * channels + c, ORDER)
                      .convertShape(VectorOperators.ZERO_EXTEND_B2I, I, 0);
          FloatVector g = load0(dy.at(out) + (long) c * dy.size());
          for (int u = 0; u < kernel; u++) {
            long at = to + (long) u * width * dx.stride() + (long) c * dx.size();
            for (int v = 0; v < kernel; v++) {
              var mask = place.compare(VectorOperators.EQ, u * kernel + v).cast(F);
              put(FloatVector.zero(F).blend(g, mask), at + v * dx.stride());
            }
          }
        }
      }
    }
    int coveredHeight = p.outHeight() * kernel;
    int coveredWidth = outWidth * kernel;
    for (int h = 0; h < p.height(); h++) {
      for (int w = h < coveredHeight ? coveredWidth : 0; w < width; w++) {
        long to = dx.at(firstPixel + (long) h * width + w);
        for (int c = 0; c < channels; c += N) {
          put(FloatVector.zero(F), to + (long) c * dx.size());
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
        long to = y.at(firstWindow + (long) i * outWidth + j);
        for (int c = 0; c < channels; c += N) {
          FloatVector sum = FloatVector.zero(F);
          for (int u = 0; u < kernel; u++) {
            for (int v = 0; v < kernel; v++) {
              long from = x.at(corner + (long) u * width + v) + (long) c * x.size();
              sum = sum.add(load0(from));
            }
          }
          put(sum.mul(scale), to + (long) c * y.size());
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
        long to = dx.at(firstPixel + (long) h * width + w);
        for (int c = 0; c < channels; c += N) {
          FloatVector sum = FloatVector.zero(F);
          for (int i = firstI; i <= lastI; i++) {
            for (int j = firstJ; j <= lastJ; j++) {
              long from = dy.at(firstWindow + (long) i * outWidth + j) + (long) c * dy.size();
              sum = sum.add(load0(from));
            }
          }
          put(sum.mul(scale), to + (long) c * dx.size());
        }
      }
    }
  }

  private static FloatVector load0(long address) {
    return LOW_0 ? Lanes.loadLow(address) : Lanes.load(address);
  }

  private static void put(FloatVector value, long address) {
    if (LOW_RESULT) {
      Lanes.storeLow(value, address);
    } else {
      Lanes.store(value, address);
    }
  }
}
