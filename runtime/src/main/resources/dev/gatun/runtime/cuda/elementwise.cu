// Functions of each element, or of each element and its sample: CudaElementwise.
//
// An operand is rows of `width` channels, `stride` elements apart; dense operands come as one row.
// Columns below `vectorColumns`, a multiple of the vector width, are accessed 16 bytes at a time:
// pointers and strides are aligned then. Outputs may be inputs.
#include "common.cuh"

// y[r, c] = f(x[r, c]).
template <typename X, typename Y, int V>
__device__ __forceinline__ void activate(int f, const X* x, int64 xStride, Y* y, int64 yStride,
                                         int64 rows, int64 from, int64 to) {
  forEach<V>(rows, from, to, [&](int64 r, int64 c) {
    float v[V];
    load(x + r * xStride + c, v);
    activateAll(f, v);
    store(y + r * yStride + c, v);
  });
}

#define ACTIVATE(x_, X, y_, Y)                                                                  \
  extern "C" __global__ void activate_##x_##_##y_(int f, const X* x, int64 xStride, Y* y,       \
                                                  int64 yStride, int64 rows, int64 width,       \
                                                  int64 vectorColumns) {                        \
    activate<X, Y, vectorWidth<X, Y>()>(f, x, xStride, y, yStride, rows, 0, vectorColumns);     \
    activate<X, Y, 1>(f, x, xStride, y, yStride, rows, vectorColumns, width);                   \
  }
FOR_EACH_2_TYPES(ACTIVATE)

// dx[r, c] = dy[r, c] * f'(x[r, c]).
template <typename X, typename DY, typename DX, int V>
__device__ __forceinline__ void activateGradient(int f, const X* x, int64 xStride, const DY* dy,
                                                 int64 dyStride, DX* dx, int64 dxStride, int64 rows,
                                                 int64 from, int64 to) {
  forEach<V>(rows, from, to, [&](int64 r, int64 c) {
    float v[V];
    float g[V];
    load(x + r * xStride + c, v);
    load(dy + r * dyStride + c, g);
    activateAllGradient(f, v, g);
    store(dx + r * dxStride + c, g);
  });
}

#define ACTIVATE_GRADIENT(x_, X, dy_, DY, dx_, DX)                                              \
  extern "C" __global__ void activateGradient_##x_##_##dy_##_##dx_(                             \
      int f, const X* x, int64 xStride, const DY* dy, int64 dyStride, DX* dx, int64 dxStride,   \
      int64 rows, int64 width, int64 vectorColumns) {                                           \
    activateGradient<X, DY, DX, vectorWidth<X, DY, DX>()>(f, x, xStride, dy, dyStride, dx,      \
                                                          dxStride, rows, 0, vectorColumns);    \
    activateGradient<X, DY, DX, 1>(f, x, xStride, dy, dyStride, dx, dxStride, rows,             \
                                   vectorColumns, width);                                       \
  }
FOR_EACH_3_TYPES(ACTIVATE_GRADIENT)

// y[r, c] = a[r, c] + b[r, c].
template <typename A, typename B, typename Y, int V>
__device__ __forceinline__ void add(const A* a, int64 aStride, const B* b, int64 bStride, Y* y,
                                    int64 yStride, int64 rows, int64 from, int64 to) {
  forEach<V>(rows, from, to, [&](int64 r, int64 c) {
    float v[V];
    float w[V];
    load(a + r * aStride + c, v);
    load(b + r * bStride + c, w);
#pragma unroll
    for (int i = 0; i < V; i++) {
      v[i] += w[i];
    }
    store(y + r * yStride + c, v);
  });
}

#define ADD(a_, A, b_, B, y_, Y)                                                                \
  extern "C" __global__ void add_##a_##_##b_##_##y_(const A* a, int64 aStride, const B* b,      \
                                                    int64 bStride, Y* y, int64 yStride,         \
                                                    int64 rows, int64 width,                    \
                                                    int64 vectorColumns) {                      \
    add<A, B, Y, vectorWidth<A, B, Y>()>(a, aStride, b, bStride, y, yStride, rows, 0,           \
                                         vectorColumns);                                        \
    add<A, B, Y, 1>(a, aStride, b, bStride, y, yStride, rows, vectorColumns, width);            \
  }
FOR_EACH_3_TYPES(ADD)

// y[r, c] = min(max(x[r, c], low), high); a NaN stays one.
template <typename X, typename Y, int V>
__device__ __forceinline__ void clamp(const X* x, int64 xStride, float low, float high, Y* y,
                                      int64 yStride, int64 rows, int64 from, int64 to) {
  forEach<V>(rows, from, to, [&](int64 r, int64 c) {
    float v[V];
    load(x + r * xStride + c, v);
#pragma unroll
    for (int i = 0; i < V; i++) {
      v[i] = v[i] < low ? low : v[i] > high ? high : v[i];
    }
    store(y + r * yStride + c, v);
  });
}

#define CLAMP(x_, X, y_, Y)                                                                     \
  extern "C" __global__ void clamp_##x_##_##y_(const X* x, int64 xStride, float low,            \
                                               float high, Y* y, int64 yStride, int64 rows,     \
                                               int64 width, int64 vectorColumns) {              \
    clamp<X, Y, vectorWidth<X, Y>()>(x, xStride, low, high, y, yStride, rows, 0,                \
                                     vectorColumns);                                            \
    clamp<X, Y, 1>(x, xStride, low, high, y, yStride, rows, vectorColumns, width);              \
  }
FOR_EACH_2_TYPES(CLAMP)

// y[r, c] = x[r, c].
template <typename X, typename Y, int V>
__device__ __forceinline__ void copy(const X* x, int64 xStride, Y* y, int64 yStride, int64 rows,
                                     int64 from, int64 to) {
  forEach<V>(rows, from, to, [&](int64 r, int64 c) {
    float v[V];
    load(x + r * xStride + c, v);
    store(y + r * yStride + c, v);
  });
}

#define COPY(x_, X, y_, Y)                                                                      \
  extern "C" __global__ void copy_##x_##_##y_(const X* x, int64 xStride, Y* y, int64 yStride,   \
                                              int64 rows, int64 width, int64 vectorColumns) {   \
    copy<X, Y, vectorWidth<X, Y>()>(x, xStride, y, yStride, rows, 0, vectorColumns);            \
    copy<X, Y, 1>(x, xStride, y, yStride, rows, vectorColumns, width);                          \
  }
FOR_EACH_2_TYPES(COPY)

// y[r, c] = value.
template <typename Y, int V>
__device__ __forceinline__ void fill(float value, Y* y, int64 yStride, int64 rows, int64 from,
                                     int64 to) {
  float v[V];
#pragma unroll
  for (int i = 0; i < V; i++) {
    v[i] = value;
  }
  forEach<V>(rows, from, to, [&](int64 r, int64 c) { store(y + r * yStride + c, v); });
}

#define FILL(y_, Y)                                                                             \
  extern "C" __global__ void fill_##y_(float value, Y* y, int64 yStride, int64 rows,            \
                                       int64 width, int64 vectorColumns) {                      \
    fill<Y, vectorWidth<Y>()>(value, y, yStride, rows, 0, vectorColumns);                       \
    fill<Y, 1>(value, y, yStride, rows, vectorColumns, width);                                  \
  }
FOR_EACH_TYPE(FILL)

// y[n, r, c] = x[n, r, c] + shift[n, c], the samples n along the grid's y-axis.
template <typename X, typename S, typename Y, int V>
__device__ __forceinline__ void addPerSample(const X* x, int64 xStride, const S* shift,
                                             int64 shiftStride, Y* y, int64 yStride, int samples,
                                             int64 pixels, int64 from, int64 to) {
  forEachSample(samples, [&](int n) {
    const X* xn = x + n * pixels * xStride;
    const S* sn = shift + n * shiftStride;
    Y* yn = y + n * pixels * yStride;
    forEach<V>(pixels, from, to, [&](int64 r, int64 c) {
      float v[V];
      float s[V];
      load(xn + r * xStride + c, v);
      load(sn + c, s);
#pragma unroll
      for (int i = 0; i < V; i++) {
        v[i] += s[i];
      }
      store(yn + r * yStride + c, v);
    });
  });
}

#define ADD_PER_SAMPLE(x_, X, s_, S, y_, Y)                                                     \
  extern "C" __global__ void addPerSample_##x_##_##s_##_##y_(                                   \
      const X* x, int64 xStride, const S* shift, int64 shiftStride, Y* y, int64 yStride,        \
      int samples, int64 pixels, int64 width, int64 vectorColumns) {                            \
    addPerSample<X, S, Y, vectorWidth<X, S, Y>()>(x, xStride, shift, shiftStride, y, yStride,   \
                                                  samples, pixels, 0, vectorColumns);           \
    addPerSample<X, S, Y, 1>(x, xStride, shift, shiftStride, y, yStride, samples, pixels,       \
                             vectorColumns, width);                                             \
  }
FOR_EACH_3_TYPES(ADD_PER_SAMPLE)

// z[n, r, c] = a[n] * x[n, r, c] + b[n] * y[n, r, c], the samples n along the grid's y-axis; a dense
// sample comes as one row.
template <typename X, typename Y, typename Z, int V>
__device__ __forceinline__ void combinePerSample(const float* a, const X* x, int64 xStride,
                                                 const float* b, const Y* y, int64 yStride, Z* z,
                                                 int64 zStride, int samples, int64 pixels,
                                                 int64 from, int64 to) {
  forEachSample(samples, [&](int n) {
    float an = a[n];
    float bn = b[n];
    const X* xn = x + n * pixels * xStride;
    const Y* yn = y + n * pixels * yStride;
    Z* zn = z + n * pixels * zStride;
    forEach<V>(pixels, from, to, [&](int64 r, int64 c) {
      float v[V];
      float w[V];
      load(xn + r * xStride + c, v);
      load(yn + r * yStride + c, w);
#pragma unroll
      for (int i = 0; i < V; i++) {
        v[i] = an * v[i] + bn * w[i];
      }
      store(zn + r * zStride + c, v);
    });
  });
}

#define COMBINE_PER_SAMPLE(x_, X, y_, Y, z_, Z)                                                 \
  extern "C" __global__ void combinePerSample_##x_##_##y_##_##z_(                               \
      const float* a, const X* x, int64 xStride, const float* b, const Y* y, int64 yStride,     \
      Z* z, int64 zStride, int samples, int64 pixels, int64 width, int64 vectorColumns) {       \
    combinePerSample<X, Y, Z, vectorWidth<X, Y, Z>()>(a, x, xStride, b, y, yStride, z, zStride, \
                                                      samples, pixels, 0, vectorColumns);       \
    combinePerSample<X, Y, Z, 1>(a, x, xStride, b, y, yStride, z, zStride, samples, pixels,     \
                                 vectorColumns, width);                                         \
  }
FOR_EACH_3_TYPES(COMBINE_PER_SAMPLE)

// y[i, c] = table[indices[i], c]; NaN where there is no such row.
template <typename T, typename Y, int V>
__device__ __forceinline__ void gather(const T* table, int tableRows, int64 tableStride,
                                       const int* indices, Y* y, int64 yStride, int64 rows,
                                       int64 from, int64 to) {
  forEach<V>(rows, from, to, [&](int64 r, int64 c) {
    float v[V];
    int row = indices[r];
    if ((unsigned)row < (unsigned)tableRows) {
      load(table + row * tableStride + c, v);
    } else {
#pragma unroll
      for (int i = 0; i < V; i++) {
        v[i] = __uint_as_float(0x7FC00000u);
      }
    }
    store(y + r * yStride + c, v);
  });
}

#define GATHER(t_, T, y_, Y)                                                                    \
  extern "C" __global__ void gather_##t_##_##y_(                                                \
      const T* table, int tableRows, int64 tableStride, const int* indices, Y* y,               \
      int64 yStride, int64 rows, int64 width, int64 vectorColumns) {                            \
    gather<T, Y, vectorWidth<T, Y>()>(table, tableRows, tableStride, indices, y, yStride, rows, \
                                      0, vectorColumns);                                        \
    gather<T, Y, 1>(table, tableRows, tableStride, indices, y, yStride, rows, vectorColumns,    \
                    width);                                                                     \
  }
FOR_EACH_2_TYPES(GATHER)
