// Attention in fp32 for any head size and number of tokens: CudaAttention.
//
// q, k, v, out and their gradients: [N, T, heads * d], head h in channels h d to (h + 1) d, rows of
// `stride` elements, of either dtype. logSumExp and delta: [N, heads, T]. Scores, T x T, exist only as
// tiles of TILE x TILE in a block's registers and shared memory (Dao et al. 2022): a block takes a tile
// of queries (or keys) of one head, and goes over all keys (or queries). Where a head has more channels
// than a block accumulates, several blocks take a slice each and make the same scores again.
//
// The 256 threads of a block are 16 x 16: thread (ty, tx) has rows 4 ty to 4 ty + 3 of a tile, and the
// columns 4 tx to 4 tx + 3 of the scores, or W columns of the 16 W of its slice of channels.
#include "rows.cuh"

constexpr int TILE = 64;
constexpr int PITCH = TILE + 4; // floats from one row of a tile to the next: 16-byte accesses stay aligned
constexpr int CHUNK = 32;       // channels, or rows, in shared memory at a time

// One head of an operand.
struct Head {
  Operand<Either> data;
  int64 first; // row of the sample
  int channel; // first of the head
  int tokens;
  int size;
  bool aligned; // 4 channels at a time

  // The 4 channels c, c + 1, ... of a token, zero outside.
  __device__ __forceinline__ void get(int token, int c, float (&v)[4]) const {
#pragma unroll
    for (int i = 0; i < 4; i++) {
      v[i] = 0.0f;
    }
    if (token >= tokens || c >= size) {
      return;
    }
    if (aligned) {
      data.get(first + token, channel + c, v);
    } else {
      for (int i = 0; i < 4; i++) {
        if (c + i < size) {
          float one[1];
          data.get(first + token, channel + c + i, one);
          v[i] = one[0];
        }
      }
    }
  }

  __device__ __forceinline__ void put(int token, int c, float value) const {
    if (token < tokens && c < size) {
      float one[1] = {value};
      data.put(first + token, channel + c, one);
    }
  }
};

// What a block works on.
struct Work {
  int head; // n * heads + h
  int n;
  int h;
  int slice; // first channel of its slice
  int token; // first of its tile

  __device__ __forceinline__ Work(int heads, int tokens, int slices, int width) {
    unsigned tiles = (unsigned)((tokens + TILE - 1) / TILE);
    unsigned rest = blockIdx.x / tiles;
    token = (int)(blockIdx.x - rest * tiles) * TILE;
    head = (int)(rest / (unsigned)slices);
    slice = (int)(rest - (unsigned)head * (unsigned)slices) * width;
    n = head / heads;
    h = head - n * heads;
  }
};

// The shared memory of a block.
struct Shared {
  float chunk[2 * CHUNK * PITCH]; // [2][CHUNK][PITCH] or [CHUNK][16 W], W at most 8
  float tile[TILE * PITCH];
};

// Channels c to c + CHUNK of TILE tokens, transposed: to[channel][token].
__device__ __forceinline__ void loadTransposed(const Head& x, int token, int c, float* to) {
  int row = (int)threadIdx.x % TILE;
  for (int g = (int)threadIdx.x / TILE * 4; g < CHUNK; g += 256 / TILE * 4) {
    float v[4];
    x.get(token + row, c + g, v);
#pragma unroll
    for (int i = 0; i < 4; i++) {
      to[(g + i) * PITCH + row] = v[i];
    }
  }
}

// s[i][j] = sum_c a[row i][c] * b[column j][c] over all channels of the head.
__device__ __forceinline__ void products(const Head& a, int aToken, const Head& b, int bToken,
                                         float* chunk, float (&s)[4][4]) {
  int tx = (int)threadIdx.x % 16;
  int ty = (int)threadIdx.x / 16;
#pragma unroll
  for (int i = 0; i < 4; i++) {
#pragma unroll
    for (int j = 0; j < 4; j++) {
      s[i][j] = 0.0f;
    }
  }
  for (int c = 0; c < a.size; c += CHUNK) {
    __syncthreads();
    loadTransposed(a, aToken, c, chunk);
    loadTransposed(b, bToken, c, chunk + CHUNK * PITCH);
    __syncthreads();
    int count = min(CHUNK, a.size - c);
#pragma unroll 4
    for (int k = 0; k < count; k++) {
      float left[4];
      float right[4];
      load(chunk + k * PITCH + 4 * ty, left);
      load(chunk + (CHUNK + k) * PITCH + 4 * tx, right);
#pragma unroll
      for (int i = 0; i < 4; i++) {
#pragma unroll
        for (int j = 0; j < 4; j++) {
          s[i][j] = fmaf(left[i], right[j], s[i][j]);
        }
      }
    }
  }
}

// Column w of this thread's in a slice of 16 W.
template <int W>
__device__ __forceinline__ int columnOf(int w) {
  int tx = (int)threadIdx.x % 16;
  return W < 4 ? tx * W + w : w / 4 * 64 + 4 * tx + w % 4;
}

// sum[i][w] += sum_j tile[j][row i] * x[token j][slice + column w] over the TILE tokens; the tile is
// complete before.
template <int W>
__device__ __forceinline__ void accumulate(const float* tile, const Head& x, int token, int slice,
                                           float* chunk, float (&sum)[4][W]) {
  int ty = (int)threadIdx.x / 16;
  for (int from = 0; from < TILE && token + from < x.tokens; from += CHUNK) {
    __syncthreads();
    for (int e = (int)threadIdx.x * 4; e < CHUNK * 16 * W; e += 256 * 4) {
      int row = e / (16 * W);
      int column = e - row * 16 * W;
      float v[4];
      x.get(token + from + row, slice + column, v);
      store(chunk + e, v);
    }
    __syncthreads();
#pragma unroll 4
    for (int j = 0; j < CHUNK; j++) {
      float p[4];
      float v[W];
      load(tile + (from + j) * PITCH + 4 * ty, p);
#pragma unroll
      for (int w = 0; w < W; w++) {
        v[w] = chunk[j * 16 * W + columnOf<W>(w)];
      }
#pragma unroll
      for (int i = 0; i < 4; i++) {
#pragma unroll
        for (int w = 0; w < W; w++) {
          sum[i][w] = fmaf(p[i], v[w], sum[i][w]);
        }
      }
    }
  }
}

// tile[column j][row i] = s[i][j], when all have read what was there.
__device__ __forceinline__ void storeTile(const float (&s)[4][4], float* tile) {
  int tx = (int)threadIdx.x % 16;
  int ty = (int)threadIdx.x / 16;
  __syncthreads();
#pragma unroll
  for (int j = 0; j < 4; j++) {
    float column[4] = {s[0][j], s[1][j], s[2][j], s[3][j]};
    store(tile + (4 * tx + j) * PITCH + 4 * ty, column);
  }
}

template <int W>
__device__ __forceinline__ void clear(float (&sum)[4][W]) {
#pragma unroll
  for (int i = 0; i < 4; i++) {
#pragma unroll
    for (int w = 0; w < W; w++) {
      sum[i][w] = 0.0f;
    }
  }
}

template <int W>
__device__ __forceinline__ void put(const Head& x, int token, int slice, const float (&sum)[4][W]) {
  int ty = (int)threadIdx.x / 16;
#pragma unroll
  for (int i = 0; i < 4; i++) {
#pragma unroll
    for (int w = 0; w < W; w++) {
      x.put(token + 4 * ty + i, slice + columnOf<W>(w), sum[i][w]);
    }
  }
}

// The largest of, and the sum over, the 16 threads of a row of the block.
__device__ __forceinline__ float rowMax(float x) {
#pragma unroll
  for (int lanes = 8; lanes > 0; lanes /= 2) {
    x = fmaxf(x, __shfl_xor_sync(0xFFFFFFFFu, x, lanes));
  }
  return x;
}

__device__ __forceinline__ float rowSum(float x) {
#pragma unroll
  for (int lanes = 8; lanes > 0; lanes /= 2) {
    x += __shfl_xor_sync(0xFFFFFFFFu, x, lanes);
  }
  return x;
}

#define HEAD(name)                                                                          \
  Head { Operand<Either>(name, name##Stride, name##Low), (int64)work.n *tokens, work.h *size, tokens, \
         size, name##Aligned != 0 }
#define ROWS(name) const void *name, int64 name##Stride, int name##Low, int name##Aligned

// out and logSumExp. A block: TILE queries, 16 W channels of out.
template <int W>
__device__ __forceinline__ void forward(Work work, Head q, Head k, Head v, Head out,
                                        float* logSumExp, float scale) {
  __shared__ Shared shared;
  int tx = (int)threadIdx.x % 16;
  int ty = (int)threadIdx.x / 16;
  float largest[4];
  float denominator[4];
  float sum[4][W];
  clear(sum);
#pragma unroll
  for (int i = 0; i < 4; i++) {
    largest[i] = -__uint_as_float(0x7F800000u);
    denominator[i] = 0.0f;
  }
  for (int key = 0; key < k.tokens; key += TILE) {
    float s[4][4];
    products(q, work.token, k, key, shared.chunk, s);
#pragma unroll
    for (int i = 0; i < 4; i++) {
      float most = largest[i];
#pragma unroll
      for (int j = 0; j < 4; j++) {
        s[i][j] = key + 4 * tx + j < k.tokens ? s[i][j] * scale : -__uint_as_float(0x7F800000u);
        most = fmaxf(most, s[i][j]);
      }
      most = rowMax(most);
      float part = 0.0f;
#pragma unroll
      for (int j = 0; j < 4; j++) {
        s[i][j] = __expf(s[i][j] - most);
        part += s[i][j];
      }
      float shrink = __expf(largest[i] - most);
      denominator[i] = denominator[i] * shrink + rowSum(part);
      largest[i] = most;
#pragma unroll
      for (int w = 0; w < W; w++) {
        sum[i][w] *= shrink;
      }
    }
    storeTile(s, shared.tile);
    accumulate(shared.tile, v, key, work.slice, shared.chunk, sum);
  }
#pragma unroll
  for (int i = 0; i < 4; i++) {
    int token = work.token + 4 * ty + i;
    if (work.slice == 0 && tx == 0 && token < q.tokens) {
      logSumExp[(int64)work.head * q.tokens + token] = largest[i] + logf(denominator[i]);
    }
#pragma unroll
    for (int w = 0; w < W; w++) {
      sum[i][w] /= denominator[i];
    }
  }
  put(out, work.token, work.slice, sum);
}

#define FORWARD(W)                                                                                \
  extern "C" __global__ void __launch_bounds__(256, 2) attention_##W(                                \
      ROWS(q), ROWS(k), ROWS(v), ROWS(out), float* logSumExp, int heads, int tokens, int size,    \
      int slices, float scale) {                                                                  \
    Work work(heads, tokens, slices, 16 * W);                                                     \
    forward<W>(work, HEAD(q), HEAD(k), HEAD(v), HEAD(out), logSumExp, scale);                     \
  }

// With p[i,j] = exp(scale q_i . k_j - logSumExp_i), dp[i,j] = dout_i . v_j, delta_i = dout_i . out_i and
// ds = scale p (dp - delta):  dv_j = sum_i p[i,j] dout_i,  dk_j = sum_i ds[i,j] q_i,
// dq_i = sum_j ds[i,j] k_j.

// delta [N, heads, T]: a block for 8 queries of a head, a warp for each.
extern "C" __global__ void __launch_bounds__(256) attentionDelta(ROWS(out), ROWS(dout), float* delta,
                                                                 int heads, int tokens, int size) {
  unsigned tiles = (unsigned)(tokens + 7) / 8;
  int head = (int)(blockIdx.x / tiles);
  int token = (int)(blockIdx.x - (unsigned)head * tiles) * 8 + (int)threadIdx.x / 32;
  if (token >= tokens) {
    return;
  }
  Operand<Either> left(out, outStride, outLow);
  Operand<Either> right(dout, doutStride, doutLow);
  int n = head / heads;
  int64 row = (int64)n * tokens + token;
  int channel = (head - n * heads) * size;
  float sum = 0.0f;
  for (int c = (int)threadIdx.x % 32; c < size; c += 32) {
    float a[1];
    float b[1];
    left.get(row, channel + c, a);
    right.get(row, channel + c, b);
    sum = fmaf(a[0], b[0], sum);
  }
  sum = warpSum(sum);
  if (threadIdx.x % 32 == 0) {
    delta[(int64)head * tokens + token] = sum;
  }
}

// dk and dv. A block: TILE keys as rows, the queries as columns, 16 W channels of dk and dv.
template <int W>
__device__ __forceinline__ void gradientOfKeys(Work work, Head q, Head k, Head v, Head dout,
                                               const float* logSumExp, const float* delta, Head dk,
                                               Head dv, float scale) {
  __shared__ Shared shared;
  int tx = (int)threadIdx.x % 16;
  const float* logSums = logSumExp + (int64)work.head * q.tokens;
  const float* deltas = delta + (int64)work.head * q.tokens;
  float sumK[4][W];
  float sumV[4][W];
  clear(sumK);
  clear(sumV);
  for (int query = 0; query < q.tokens; query += TILE) {
    float p[4][4];
    float ds[4][4];
    products(k, work.token, q, query, shared.chunk, p);
    products(v, work.token, dout, query, shared.chunk, ds);
#pragma unroll
    for (int j = 0; j < 4; j++) {
      int token = query + 4 * tx + j;
      bool inside = token < q.tokens;
      float logSum = inside ? logSums[token] : 0.0f;
      float d = inside ? deltas[token] : 0.0f;
#pragma unroll
      for (int i = 0; i < 4; i++) {
        p[i][j] = inside ? __expf(p[i][j] * scale - logSum) : 0.0f;
        ds[i][j] = scale * p[i][j] * (ds[i][j] - d);
      }
    }
    storeTile(p, shared.tile);
    accumulate(shared.tile, dout, query, work.slice, shared.chunk, sumV);
    storeTile(ds, shared.tile);
    accumulate(shared.tile, q, query, work.slice, shared.chunk, sumK);
  }
  put(dk, work.token, work.slice, sumK);
  put(dv, work.token, work.slice, sumV);
}

#define GRADIENT_OF_KEYS(W)                                                                       \
  extern "C" __global__ void __launch_bounds__(256, W < 8 ? 2 : 1) attentionGradientOfKeys_##W(                  \
      ROWS(q), ROWS(k), ROWS(v), ROWS(dout), const float* logSumExp, const float* delta,          \
      ROWS(dk), ROWS(dv), int heads, int tokens, int size, int slices, float scale) {             \
    Work work(heads, tokens, slices, 16 * W);                                                     \
    gradientOfKeys<W>(work, HEAD(q), HEAD(k), HEAD(v), HEAD(dout), logSumExp, delta, HEAD(dk),    \
                      HEAD(dv), scale);                                                           \
  }

// dq. A block: TILE queries as rows, the keys as columns, 16 W channels of dq.
template <int W>
__device__ __forceinline__ void gradientOfQueries(Work work, Head q, Head k, Head v, Head dout,
                                                  const float* logSumExp, const float* delta,
                                                  Head dq, float scale) {
  __shared__ Shared shared;
  int tx = (int)threadIdx.x % 16;
  int ty = (int)threadIdx.x / 16;
  float logSum[4];
  float d[4];
  float sum[4][W];
  clear(sum);
#pragma unroll
  for (int i = 0; i < 4; i++) {
    int token = work.token + 4 * ty + i;
    bool inside = token < q.tokens;
    logSum[i] = inside ? logSumExp[(int64)work.head * q.tokens + token] : 0.0f;
    d[i] = inside ? delta[(int64)work.head * q.tokens + token] : 0.0f;
  }
  for (int key = 0; key < k.tokens; key += TILE) {
    float p[4][4];
    float ds[4][4];
    products(q, work.token, k, key, shared.chunk, p);
    products(dout, work.token, v, key, shared.chunk, ds);
#pragma unroll
    for (int i = 0; i < 4; i++) {
#pragma unroll
      for (int j = 0; j < 4; j++) {
        bool inside = key + 4 * tx + j < k.tokens;
        p[i][j] = inside ? __expf(p[i][j] * scale - logSum[i]) : 0.0f;
        ds[i][j] = scale * p[i][j] * (ds[i][j] - d[i]);
      }
    }
    storeTile(ds, shared.tile);
    accumulate(shared.tile, k, key, work.slice, shared.chunk, sum);
  }
  put(dq, work.token, work.slice, sum);
}

#define GRADIENT_OF_QUERIES(W)                                                                    \
  extern "C" __global__ void __launch_bounds__(256, W < 8 ? 2 : 1) attentionGradientOfQueries_##W(               \
      ROWS(q), ROWS(k), ROWS(v), ROWS(dout), const float* logSumExp, const float* delta,          \
      ROWS(dq), int heads, int tokens, int size, int slices, float scale) {                       \
    Work work(heads, tokens, slices, 16 * W);                                                     \
    gradientOfQueries<W>(work, HEAD(q), HEAD(k), HEAD(v), HEAD(dout), logSumExp, delta, HEAD(dq), \
                         scale);                                                                  \
  }

// Entry points for slices of 16, 32, 64 and 128 channels.
#define ATTENTION(W)  \
  FORWARD(W)          \
  GRADIENT_OF_KEYS(W) \
  GRADIENT_OF_QUERIES(W)
ATTENTION(1)
ATTENTION(2)
ATTENTION(4)
ATTENTION(8)
