// Sums in a fixed order and without atomics, so that the same call gives the same bits: CudaReduction.
// Long ones take two launches: parts, then the sum of the parts.
#include "common.cuh"

constexpr int THREADS = 256;

// sums[part, c] = the sum over the rows r of a part of x[r, c], c in [0, channels): rows
// [group * rows + chunk * rowsPerChunk, ...) of group part / chunks. A block takes `lanes` vectors
// of columns at THREADS / lanes rows at a time; blocks along x the columns, along y the parts.
template <typename X, int V>
__device__ __forceinline__ void sumRows(const X* x, int64 xStride, int64 rows, int64 rowsPerChunk,
                                        int chunks, int parts, int channels, int lanes,
                                        float* sums, int64 sumsStride, float* shared) {
  int lane = threadIdx.x & (lanes - 1);
  int row = threadIdx.x / lanes;
  int rowsAtOnce = THREADS / lanes;
  int column = (blockIdx.x * lanes + lane) * V;
  for (int part = blockIdx.y; part < parts; part += gridDim.y) {
    int group = part / chunks;
    int64 first = (part % chunks) * rowsPerChunk;
    int64 end = first + rowsPerChunk < rows ? first + rowsPerChunk : rows;
    float sum[V];
#pragma unroll
    for (int i = 0; i < V; i++) {
      sum[i] = 0.0f;
    }
    if (column < channels) {
      const X* from = x + group * rows * xStride + column;
#pragma unroll 8 // as many loads on their way: the few rows of parts are a chain of them otherwise
      for (int64 r = first + row; r < end; r += rowsAtOnce) {
        float v[V];
        load(from + r * xStride, v);
#pragma unroll
        for (int i = 0; i < V; i++) {
          sum[i] += v[i];
        }
      }
    }
#pragma unroll
    for (int i = 0; i < V; i++) {
      shared[i * THREADS + threadIdx.x] = sum[i];
    }
    for (int half = rowsAtOnce / 2; half > 0; half /= 2) {
      __syncthreads();
      if (row < half) {
#pragma unroll
        for (int i = 0; i < V; i++) {
          shared[i * THREADS + threadIdx.x] += shared[i * THREADS + threadIdx.x + half * lanes];
        }
      }
    }
    if (row == 0 && column < channels) { // what this thread itself has added up
#pragma unroll
      for (int i = 0; i < V; i++) {
        sums[part * sumsStride + column + i] = shared[i * THREADS + threadIdx.x];
      }
    }
    __syncthreads();
  }
}

// vector says that channels is a multiple of the vector width, and pointers and strides aligned.
#define SUM_ROWS(x_, X)                                                                         \
  extern "C" __global__ void __launch_bounds__(THREADS)                                         \
      sumRows_##x_(const X* x, int64 xStride, int64 rows, int64 rowsPerChunk, int chunks,       \
                   int parts, int channels, int lanes, int vector, float* sums,               \
                   int64 sumsStride) {                                                          \
    constexpr int V = vectorWidth<X>();                                                         \
    __shared__ float shared[V * THREADS];                                                       \
    if (vector) {                                                                               \
      sumRows<X, V>(x, xStride, rows, rowsPerChunk, chunks, parts, channels, lanes, sums,       \
                    sumsStride, shared);                                                        \
    } else {                                                                                    \
      sumRows<X, 1>(x, xStride, rows, rowsPerChunk, chunks, parts, channels, lanes, sums,       \
                    sumsStride, shared);                                                        \
    }                                                                                           \
  }
FOR_EACH_TYPE(SUM_ROWS)

template <typename X, int V>
__device__ __forceinline__ float sumOfSquares(const X* x, int64 xStride, int64 rows, int64 from,
                                              int64 to) {
  float sum = 0.0f;
  forEach<V>(rows, from, to, [&](int64 r, int64 c) {
    float v[V];
    load(x + r * xStride + c, v);
#pragma unroll
    for (int i = 0; i < V; i++) {
      sum = fmaf(v[i], v[i], sum);
    }
  });
  return sum;
}

// parts[block] = the block's share of the sum over r and c of x[r, c]^2.
#define SUM_OF_SQUARES(x_, X)                                                                    \
  extern "C" __global__ void __launch_bounds__(THREADS)                                          \
      sumOfSquares_##x_(const X* x, int64 xStride, int64 rows, int64 width, int64 vectorColumns, \
                        float* parts) {                                                          \
    float sum = blockSum(sumOfSquares<X, vectorWidth<X>()>(x, xStride, rows, 0, vectorColumns) + \
                         sumOfSquares<X, 1>(x, xStride, rows, vectorColumns, width));            \
    if (threadIdx.x == 0) {                                                                      \
      parts[blockIdx.x] = sum;                                                                   \
    }                                                                                            \
  }
FOR_EACH_TYPE(SUM_OF_SQUARES)

// total[0] = the sum of the parts / divisor; one block.
extern "C" __global__ void __launch_bounds__(THREADS)
    sumParts(const float* parts, int count, float divisor, float* total) {
  float sum = 0.0f;
  for (int i = threadIdx.x; i < count; i += THREADS) {
    sum += parts[i];
  }
  sum = blockSum(sum);
  if (threadIdx.x == 0) {
    total[0] = sum / divisor;
  }
}

// The places of runtime.op.LossFunction's constants.
enum LossFunction { MEAN_SQUARED = 0, L1 = 1, HUBER = 2 };

// Returns the sum over r and c of the function of e = p[r, c] - t[r, c]; g[r, c] = scale * its
// derivative by p. A NaN stays one.
template <typename P, typename T, typename G, int V>
__device__ __forceinline__ float loss(int function, const P* p, int64 pStride, const T* t,
                                      int64 tStride, float scale, G* g, int64 gStride, int64 rows,
                                      int64 from, int64 to) {
  float sum = 0.0f;
  forEach<V>(rows, from, to, [&](int64 r, int64 c) {
    float v[V];
    float w[V];
    load(p + r * pStride + c, v);
    load(t + r * tStride + c, w);
#pragma unroll
    for (int i = 0; i < V; i++) {
      float e = v[i] - w[i];
      float size = fabsf(e);
      float slope = e;
      if (function == MEAN_SQUARED) {
        sum += e * e;
        slope = 2.0f * e;
      } else if (function == L1) {
        sum += size;
        slope = e > 0.0f ? 1.0f : e < 0.0f ? -1.0f : e;
      } else {
        sum += size < 1.0f ? 0.5f * e * e : size - 0.5f;
        slope = e > 1.0f ? 1.0f : e < -1.0f ? -1.0f : e;
      }
      v[i] = slope * scale;
    }
    store(g + r * gStride + c, v);
  });
  return sum;
}

// parts[block] = the block's share of the sum; g as above.
#define LOSS(p_, P, t_, T, g_, G)                                                               \
  extern "C" __global__ void __launch_bounds__(THREADS) loss_##p_##_##t_##_##g_(                \
      int function, const P* p, int64 pStride, const T* t, int64 tStride, float scale, G* g,    \
      int64 gStride, int64 rows, int64 width, int64 vectorColumns, float* parts) {              \
    float sum = loss<P, T, G, vectorWidth<P, T, G>()>(function, p, pStride, t, tStride, scale,  \
                                                      g, gStride, rows, 0, vectorColumns);      \
    sum += loss<P, T, G, 1>(function, p, pStride, t, tStride, scale, g, gStride, rows,          \
                            vectorColumns, width);                                              \
    sum = blockSum(sum);                                                                        \
    if (threadIdx.x == 0) {                                                                     \
      parts[blockIdx.x] = sum;                                                                  \
    }                                                                                           \
  }
FOR_EACH_3_TYPES(LOSS)
