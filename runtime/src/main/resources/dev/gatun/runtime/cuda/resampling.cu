// Pooling and nearest-neighbour enlargement: CudaResampling.
//
// Images are [N, H, W, C] with rows of channels `stride` elements apart, of either dtype; a thread takes
// V neighbouring channels of one pixel after the other. "large" is the image with more pixels (x of a
// pooling, y of an enlargement), "small" the other. Windows have `kernel` x `kernel` pixels and begin
// every `step`. Sums are in the order of the windows' pixels.
#include "rows.cuh"

// Where pixel p of sample n, an image of `width`, lies.
struct Pixel {
  int n;
  int i;
  int j;

  __device__ __forceinline__ Pixel(int n, int p, int width) : n(n) {
    i = (int)((unsigned)p / (unsigned)width);
    j = p - i * width;
  }

  // The row of pixel (h, w) in images of height * width.
  __device__ __forceinline__ int64 at(int h, int w, int height, int width) const {
    return ((int64)n * height + h) * width + w;
  }
};

// Calls body(its row, pixel, channel) for the pixels of images of `width`, and the channels, of this
// thread.
template <int V, typename Body>
__device__ __forceinline__ void forEachPixel(int width, int64 pixels, int channels, int tile,
                                             int laneBits, int parts, int64 partRows, Body body) {
  Part part(pixels, channels, tile, parts, partRows);
  Lane<V> lane(part.width, laneBits);
  if (lane.works) {
    for (int64 p = part.row + lane.row; p < part.end; p += lane.rows) {
      body(part.n * pixels + p, Pixel(part.n, (int)p, width), part.channel + lane.channel);
    }
  }
}

template <int V>
__device__ __forceinline__ void storeBytes(unsigned char* to, const int (&v)[V]) {
  if constexpr (V == 1) {
    to[0] = (unsigned char)v[0];
  } else {
#pragma unroll
    for (int i = 0; i < V; i += 4) {
      *(unsigned*)(to + i) = (unsigned)v[i] | (unsigned)v[i + 1] << 8 | (unsigned)v[i + 2] << 16 |
                             (unsigned)v[i + 3] << 24;
    }
  }
}

template <int V>
__device__ __forceinline__ void loadBytes(const unsigned char* from, int (&v)[V]) {
  if constexpr (V == 1) {
    v[0] = from[0];
  } else {
#pragma unroll
    for (int i = 0; i < V; i += 4) {
      unsigned word = *(const unsigned*)(from + i);
      v[i] = (int)(word & 255u);
      v[i + 1] = (int)(word >> 8 & 255u);
      v[i + 2] = (int)(word >> 16 & 255u);
      v[i + 3] = (int)(word >> 24);
    }
  }
}

#define LAYOUT int64 pixels, int channels, int tile, int laneBits, int parts, int64 partRows
#define LAYOUT_OF pixels, channels, tile, laneBits, parts, partRows

// Calls body(place, values) for the four pixels of a 2 x 2 window from row on: their loads are on their
// way together.
template <int V, typename T, typename Body>
__device__ __forceinline__ void forEachOfFour(Operand<T> large, int64 row, int width, int channel,
                                              Body body) {
  float v[4][V];
#pragma unroll
  for (int place = 0; place < 4; place++) {
    large.get(row + place / 2 * width + place % 2, channel, v[place]);
  }
#pragma unroll
  for (int place = 0; place < 4; place++) {
    body(place, v[place]);
  }
}

// Calls body(place, values) for each pixel of the window that begins at row of a large image, in order.
template <int V, typename Body>
__device__ __forceinline__ void forEachOfWindow(Operand<Either> large, int64 row, int width,
                                                int channel, int kernel, Body body) {
  if (kernel == 2) {
    if (large.low) {
      forEachOfFour<V>(Operand<bf16>(large.data, large.stride, 1), row, width, channel, body);
    } else {
      forEachOfFour<V>(Operand<float>(large.data, large.stride, 0), row, width, channel, body);
    }
    return;
  }
  for (int u = 0; u < kernel; u++) {
#pragma unroll 1
    for (int w = 0; w < kernel; w++) {
      float v[V];
      large.get(row + w, channel, v);
      body(u * kernel + w, v);
    }
    row += width;
  }
}

// small = the largest of each window, places [dense] = where in the window it lies, the first of
// equals; the first NaN is larger than any number. Bytes per element of small: kernel^2 of large, where
// windows do not overlap, once; small once.
template <int V>
__device__ __forceinline__ void maxPool(Operand<Either> large, Operand<Either> small,
                                        unsigned char* places, int height, int width,
                                        int smallHeight, int smallWidth, int kernel, int step,
                                        LAYOUT) {
  forEachPixel<V>(smallWidth, LAYOUT_OF, [&](int64 p, Pixel to, int c) {
    float best[V];
    int place[V];
    int64 window = to.at(to.i * step, to.j * step, height, width);
    forEachOfWindow<V>(large, window, width, c, kernel, [&](int own, const float(&v)[V]) {
#pragma unroll
      for (int k = 0; k < V; k++) {
        if (own == 0 || (!(v[k] <= best[k]) && best[k] == best[k])) {
          best[k] = v[k];
          place[k] = own;
        }
      }
    });
    small.put(p, c, best);
    storeBytes(places + p * channels + c, place);
  });
}

// The windows of `size` that begin every `step` and hold place h: from, to, both included.
struct Windows {
  int from;
  int to;

  __device__ __forceinline__ Windows(int h, int size, int step, int windows) {
    from = h < size ? 0 : (h - size) / step + 1;
    to = min(h / step, windows - 1);
  }
};

// large = the sum of small over the windows whose largest element it was. Bytes per element of
// large: itself once; of small and places: once where windows do not overlap.
template <int V>
__device__ __forceinline__ void maxPoolGradient(Operand<Either> small, const unsigned char* places,
                                                Operand<Either> large, int height, int width,
                                                int smallHeight, int smallWidth, int kernel,
                                                int step, LAYOUT) {
  forEachPixel<V>(width, LAYOUT_OF, [&](int64 p, Pixel to, int c) {
    Windows rows(to.i, kernel, step, smallHeight);
    Windows columns(to.j, kernel, step, smallWidth);
    float sum[V];
#pragma unroll
    for (int k = 0; k < V; k++) {
      sum[k] = 0.0f;
    }
    for (int i = rows.from; i <= rows.to; i++) {
#pragma unroll 1
      for (int j = columns.from; j <= columns.to; j++) {
        int64 from = to.at(i, j, smallHeight, smallWidth);
        int own = (to.i - i * step) * kernel + to.j - j * step;
        float v[V];
        int place[V];
        small.get(from, c, v);
        loadBytes(places + from * channels + c, place);
#pragma unroll
        for (int k = 0; k < V; k++) {
          sum[k] += place[k] == own ? v[k] : 0.0f;
        }
      }
    }
    large.put(p, c, sum);
  });
}

// small = factor * the sum of each window. Bytes as maxPool.
template <int V>
__device__ __forceinline__ void sumPool(Operand<Either> large, Operand<Either> small, float factor,
                                        int height, int width, int smallHeight, int smallWidth,
                                        int kernel, int step, LAYOUT) {
  forEachPixel<V>(smallWidth, LAYOUT_OF, [&](int64 p, Pixel to, int c) {
    float sum[V];
#pragma unroll
    for (int k = 0; k < V; k++) {
      sum[k] = 0.0f;
    }
    int64 window = to.at(to.i * step, to.j * step, height, width);
    forEachOfWindow<V>(large, window, width, c, kernel, [&](int, const float(&v)[V]) {
#pragma unroll
      for (int k = 0; k < V; k++) {
        sum[k] += v[k];
      }
    });
#pragma unroll
    for (int k = 0; k < V; k++) {
      sum[k] *= factor;
    }
    small.put(p, c, sum);
  });
}

// large = factor * the sum of small over the windows that hold it. Bytes as maxPoolGradient.
template <int V>
__device__ __forceinline__ void sumPoolGradient(Operand<Either> small, Operand<Either> large,
                                                float factor, int height, int width,
                                                int smallHeight, int smallWidth, int kernel,
                                                int step, LAYOUT) {
  forEachPixel<V>(width, LAYOUT_OF, [&](int64 p, Pixel to, int c) {
    Windows rows(to.i, kernel, step, smallHeight);
    Windows columns(to.j, kernel, step, smallWidth);
    float sum[V];
#pragma unroll
    for (int k = 0; k < V; k++) {
      sum[k] = 0.0f;
    }
    for (int i = rows.from; i <= rows.to; i++) {
#pragma unroll 1
      for (int j = columns.from; j <= columns.to; j++) {
        float v[V];
        small.get(to.at(i, j, smallHeight, smallWidth), c, v);
#pragma unroll
        for (int k = 0; k < V; k++) {
          sum[k] += v[k];
        }
      }
    }
#pragma unroll
    for (int k = 0; k < V; k++) {
      sum[k] *= factor;
    }
    large.put(p, c, sum);
  });
}

// large[n, i, j] = small[n, i / factor, j / factor]. Bytes per element of large: itself once, small
// once for all its copies. The gradient is sumPool with windows of factor, factor apart.
template <int V>
__device__ __forceinline__ void nearest(Operand<Either> small, Operand<Either> large, int height,
                                        int width, int smallHeight, int smallWidth, int factor,
                                        LAYOUT) {
  forEachPixel<V>(smallWidth, LAYOUT_OF, [&](int64 p, Pixel from, int c) {
    float v[V];
    small.get(p, c, v);
    for (int u = 0; u < factor; u++) {
      int64 row = from.at(from.i * factor + u, from.j * factor, height, width);
      for (int w = 0; w < factor; w++) {
        large.put(row + w, c, v);
      }
    }
  });
}

#define IMAGE(name) const void *name, int64 name##Stride, int name##Low
#define IMAGE_OF(name) Operand<Either>(name, name##Stride, name##Low)
#define EXTENTS int height, int width, int smallHeight, int smallWidth, int kernel, int step
#define EXTENTS_OF height, width, smallHeight, smallWidth, kernel, step

// Entry points for 8, 4 and 1 channels of a thread.
#define RESAMPLING(V)                                                                              \
  extern "C" __global__ void __launch_bounds__(256) maxPool_##V(                                   \
      IMAGE(large), IMAGE(small), unsigned char* places, EXTENTS, LAYOUT) {                        \
    maxPool<V>(IMAGE_OF(large), IMAGE_OF(small), places, EXTENTS_OF, LAYOUT_OF);                   \
  }                                                                                                \
  extern "C" __global__ void __launch_bounds__(256) maxPoolGradient_##V(                           \
      IMAGE(small), const unsigned char* places, IMAGE(large), EXTENTS, LAYOUT) {                  \
    maxPoolGradient<V>(IMAGE_OF(small), places, IMAGE_OF(large), EXTENTS_OF, LAYOUT_OF);           \
  }                                                                                                \
  extern "C" __global__ void __launch_bounds__(256) sumPool_##V(                                   \
      IMAGE(large), IMAGE(small), float factor, EXTENTS, LAYOUT) {                                 \
    sumPool<V>(IMAGE_OF(large), IMAGE_OF(small), factor, EXTENTS_OF, LAYOUT_OF);                   \
  }                                                                                                \
  extern "C" __global__ void __launch_bounds__(256) sumPoolGradient_##V(                           \
      IMAGE(small), IMAGE(large), float factor, EXTENTS, LAYOUT) {                                 \
    sumPoolGradient<V>(IMAGE_OF(small), IMAGE_OF(large), factor, EXTENTS_OF, LAYOUT_OF);           \
  }                                                                                                \
  extern "C" __global__ void __launch_bounds__(256) nearest_##V(                                   \
      IMAGE(small), IMAGE(large), int height, int width, int smallHeight, int smallWidth,          \
      int factor, LAYOUT) {                                                                        \
    nearest<V>(IMAGE_OF(small), IMAGE_OF(large), height, width, smallHeight, smallWidth, factor,   \
               LAYOUT_OF);                                                                         \
  }
RESAMPLING(8)
RESAMPLING(4)
RESAMPLING(1)
