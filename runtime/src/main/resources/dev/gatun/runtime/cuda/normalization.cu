// Group and batch normalization of rows of channels, with what is added around them: CudaNormalization.
//
//   y = f(gamma[c] * xhat + beta[c]) + after[n,c] + residual,  xhat = (u - mean) * rstd,
//   u = x + bias[c] + before[n,c]
//
// x, y, dy, dx, residual: [N, P, C], P pixels of a sample, rows `stride` elements apart. A set that is
// normalized together is a group of `size` = C / G channels of a sample. Batch normalization is the
// case of one sample, P all rows, and groups of one channel.
//
// Two ways, by whether a set fits into a block's shared memory:
// - resident: a block takes a slab, several neighbouring groups of one sample, reads it once, and
//   makes all its passes over shared memory. Variances are sums of squared differences from the mean.
// - in parts: a block takes a range of a sample's rows and leaves sums per channel, relative to the
//   first row's values, which a second kernel puts together in a fixed order; a third one reads again.
// In both a thread stays with V neighbouring channels, goes down the rows, and rereads from shared
// memory only what it wrote itself. No order of additions depends on the schedule.
#include "rows.cuh"

// ---- threads of a block ----

__device__ __forceinline__ int slots(int laneBits) {
  return (int)(blockDim.x >> (laneBits < 5 ? 5 : laneBits));
}

// Adds up v over the rows of a warp and leaves partial sums [slots, width].
template <int V>
__device__ __forceinline__ void sumRows(float (&v)[V], Lane<V> lane, int laneBits, int width,
                                        float* sums) {
  for (int lanes = 1 << laneBits; lanes < 32; lanes *= 2) {
#pragma unroll
    for (int i = 0; i < V; i++) {
      v[i] += __shfl_xor_sync(0xFFFFFFFFu, v[i], lanes);
    }
  }
  bool first = laneBits >= 5 || (threadIdx.x & 31) >> laneBits == 0;
  if (first && lane.works) {
#pragma unroll
    for (int i = 0; i < V; i++) {
      sums[lane.slot * width + lane.channel + i] = v[i];
    }
  }
}

// The sum of a channel's partial sums.
__device__ __forceinline__ float sumSlots(const float* sums, int slots, int width, int channel) {
  float sum = 0.0f;
  for (int s = 0; s < slots; s++) {
    sum += sums[s * width + channel];
  }
  return sum;
}

// The groups of V neighbouring channels, without a division for each.
template <int V, typename Body>
__device__ __forceinline__ void forEachGroup(int channel, int size, Body body) {
  int group = channel / size;
  int rest = channel - group * size;
#pragma unroll
  for (int i = 0; i < V; i++) {
    body(i, group);
    rest++;
    if (rest == size) {
      rest = 0;
      group++;
    }
  }
}

template <int V>
__device__ __forceinline__ void fill(float (&v)[V], float value) {
#pragma unroll
  for (int i = 0; i < V; i++) {
    v[i] = value;
  }
}

// added = bias + before[n].
template <int V>
__device__ __forceinline__ void getAdded(const float* bias, Operand<Either> before, int64 n,
                                         int channel, float (&added)[V]) {
  fill(added, 0.0f);
  if (before.data != nullptr) {
    getEach(before, n, channel, added);
  }
  if (bias != nullptr) {
#pragma unroll
    for (int i = 0; i < V; i++) {
      added[i] += bias[channel + i];
    }
  }
}

// What V channels are normalized by: z = scale * (x - center) + beta, scale = gamma * rstd. Without
// taking the center off first, a large mean would cancel.
template <int V>
struct Channels {
  float center[V];
  float scale[V];
  float beta[V];

  // From mean and rstd [N, groups]; rstds are variances where `ofVariance`.
  __device__ __forceinline__ Channels(const float* mean, const float* rstds, const float* gammas,
                                      const float* betas, int64 n, int groups, int size, int channel,
                                      const float (&added)[V], bool ofVariance = false,
                                      float epsilon = 0.0f) {
    forEachGroup<V>(channel, size, [&](int i, int g) {
      float r = rstds[n * groups + g];
      center[i] = mean[n * groups + g] - added[i];
      scale[i] = gammas[channel + i] * (ofVariance ? rsqrtf(r + epsilon) : r);
      beta[i] = betas[channel + i];
    });
  }

  __device__ __forceinline__ Channels() {}

  // y = f(z) + after + residual.
  template <typename Y>
  __device__ __forceinline__ void apply(const float (&x)[V], int f, const float (&after)[V],
                                        Operand<Either> residual, Operand<Y> y, int64 row,
                                        int channel) const {
    float z[V];
#pragma unroll
    for (int i = 0; i < V; i++) {
      z[i] = fmaf(x[i] - center[i], scale[i], beta[i]);
    }
    activateAll(f, z);
#pragma unroll
    for (int i = 0; i < V; i++) {
      z[i] += after[i];
    }
    if (residual.data != nullptr) {
      float r[V];
      residual.get(row, channel, r);
#pragma unroll
      for (int i = 0; i < V; i++) {
        z[i] += r[i];
      }
    }
    y.put(row, channel, z);
  }

  // x = x - center, g = dz = g * f'(z).
  __device__ __forceinline__ void gradient(int f, float (&x)[V], float (&g)[V]) const {
    float z[V];
#pragma unroll
    for (int i = 0; i < V; i++) {
      x[i] -= center[i];
      z[i] = fmaf(x[i], scale[i], beta[i]);
    }
    activateAllGradient(f, z, g);
  }
};

// The slab of groups that a block of a resident kernel takes.
struct Slab {
  int n;
  int group;   // the first
  int groups;
  int channel; // the first
  int width;

  __device__ __forceinline__ Slab(int allGroups, int slabGroups, int size) {
    int slabs = (allGroups + slabGroups - 1) / slabGroups;
    n = (int)blockIdx.x / slabs;
    group = ((int)blockIdx.x - n * slabs) * slabGroups;
    groups = min(slabGroups, allGroups - group);
    channel = group * size;
    width = groups * size;
  }
};

// ---- forward ----

// Mean, rstd and y, resident. Bytes per element: x once, the residual once, y once.
// Shared: staged [P, slab], partial sums [slots, slab], mean and rstd [slab's groups].
template <typename X, typename Y, int V>
__device__ __forceinline__ void groupNorm(Operand<X> x, const float* bias, Operand<Either> before,
                                          const float* gamma, const float* beta,
                                          Operand<Either> after, Operand<Either> residual,
                                          Operand<Y> y, float* mean, float* rstd, int pixels,
                                          int channels, int groups, int slabGroups, int laneBits,
                                          float epsilon, int f) {
  typedef typename Operand<X>::Staged Staged;
  DYNAMIC_SHARED(Staged, staged);
  int size = channels / groups;
  Slab slab(groups, slabGroups, size);
  Lane<V> lane(slab.width, laneBits);
  int width = slab.width;
  float* sums = (float*)((unsigned char*)staged +
                         ((size_t)pixels * width * sizeof(Staged) + 15) / 16 * 16);
  float* means = sums + slots(laneBits) * width;
  float* rstds = means + slab.groups;
  int channel = slab.channel + lane.channel;
  int64 first = (int64)slab.n * pixels;
  Staged* own = staged + lane.channel;

  Channels<V> by;
  float added[V];
  if (lane.works) {
    for (int p = lane.row; p < pixels; p += lane.rows) {
      x.template stage<V>(first + p, channel, own + p * width);
    }
    getAdded(bias, before, slab.n, channel, added);
  }
  arrived();

  float sum[V];
  fill(sum, 0.0f);
  if (lane.works) {
    for (int p = lane.row; p < pixels; p += lane.rows) {
      float v[V];
      load(own + p * width, v);
#pragma unroll
      for (int i = 0; i < V; i++) {
        sum[i] += v[i];
      }
    }
    if (lane.row == 0) {
#pragma unroll
      for (int i = 0; i < V; i++) {
        sum[i] += pixels * added[i];
      }
    }
  }
  sumRows(sum, lane, laneBits, width, sums);
  __syncthreads();
  float count = (float)pixels * size;
  int warps = (int)blockDim.x / 32;
  for (int g = (int)threadIdx.x / 32; g < slab.groups; g += warps) {
    float total = 0.0f;
    for (int c = (int)threadIdx.x % 32; c < size; c += 32) {
      total += sumSlots(sums, slots(laneBits), width, g * size + c);
    }
    total = warpSum(total) / count;
    if (threadIdx.x % 32 == 0) {
      means[g] = total;
      mean[(int64)slab.n * groups + slab.group + g] = total;
    }
  }
  __syncthreads();

  fill(sum, 0.0f);
  if (lane.works) {
    forEachGroup<V>(lane.channel, size, [&](int i, int g) { by.center[i] = means[g] - added[i]; });
    for (int p = lane.row; p < pixels; p += lane.rows) {
      float v[V];
      load(own + p * width, v);
#pragma unroll
      for (int i = 0; i < V; i++) {
        float difference = v[i] - by.center[i];
        sum[i] = fmaf(difference, difference, sum[i]);
      }
    }
  }
  sumRows(sum, lane, laneBits, width, sums);
  __syncthreads();
  for (int g = (int)threadIdx.x / 32; g < slab.groups; g += warps) {
    float total = 0.0f;
    for (int c = (int)threadIdx.x % 32; c < size; c += 32) {
      total += sumSlots(sums, slots(laneBits), width, g * size + c);
    }
    total = rsqrtf(warpSum(total) / count + epsilon);
    if (threadIdx.x % 32 == 0) {
      rstds[g] = total;
      rstd[(int64)slab.n * groups + slab.group + g] = total;
    }
  }
  __syncthreads();

  if (lane.works) {
    forEachGroup<V>(lane.channel, size, [&](int i, int g) {
      by.scale[i] = gamma[channel + i] * rstds[g];
      by.beta[i] = beta[channel + i];
    });
    float behind[V];
    fill(behind, 0.0f);
    if (after.data != nullptr) {
      getEach(after, slab.n, channel, behind);
    }
    for (int p = lane.row; p < pixels; p += lane.rows) {
      float v[V];
      load(own + p * width, v);
      by.apply(v, f, behind, residual, y, first + p, channel);
    }
  }
}

#define GROUP_NORM(name, X, Y, V)                                                                  \
  extern "C" __global__ void __launch_bounds__(256, 3) groupNorm_##name(                              \
      const void* x, int64 xStride, int xLow, const float* bias, const void* before,               \
      int64 beforeStride, int beforeLow, const float* gamma, const float* beta, const void* after, \
      int64 afterStride, int afterLow, const void* residual, int64 residualStride,                 \
      int residualLow, void* y, int64 yStride, int yLow, float* mean, float* rstd, int pixels,     \
      int channels, int groups, int slabGroups, int laneBits, float epsilon, int f) {              \
    groupNorm<X, Y, V>(Operand<X>(x, xStride, xLow), bias,                                         \
                       Operand<Either>(before, beforeStride, beforeLow), gamma, beta,              \
                       Operand<Either>(after, afterStride, afterLow),                              \
                       Operand<Either>(residual, residualStride, residualLow),                     \
                       Operand<Y>(y, yStride, yLow), mean, rstd, pixels, channels, groups,         \
                       slabGroups, laneBits, epsilon, f);                                          \
  }

// Makes an entry point for each dtype, pair of dtypes, and for all of them one element at a time.
#define FOR_TYPE(ENTRY)  \
  ENTRY(f32, float, 4)   \
  ENTRY(bf16, bf16, 8)   \
  ENTRY(either, Either, 1)

#define FOR_TYPE_PAIR(ENTRY)      \
  ENTRY(f32_f32, float, float, 4) \
  ENTRY(f32_bf16, float, bf16, 8) \
  ENTRY(bf16_f32, bf16, float, 8) \
  ENTRY(bf16_bf16, bf16, bf16, 8) \
  ENTRY(either, Either, Either, 1)

FOR_TYPE_PAIR(GROUP_NORM)

// Of each part and channel the mean of x and the sum of squared differences from it:
// moments [N, parts, 2, C]. Bytes per element: x once.
// Shared: first rows on their way, then partial sums [2, slots, tile].
template <typename X, int V>
__device__ __forceinline__ void moments(Operand<X> x, float* moments, int64 pixels, int channels,
                                        int tile, int laneBits, int parts, int64 partRows) {
  typedef typename Operand<X>::Staged Staged;
  DYNAMIC_SHARED(unsigned char, shared);
  Slots<Staged, V> staged(shared, 0);
  float* sums = (float*)shared;
  Part part(pixels, channels, tile, parts, partRows);
  Lane<V> lane(part.width, laneBits);
  int channel = part.channel + lane.channel;
  int64 first = (int64)part.n * pixels;
  float pivot[V];
  float sum[V];
  float squares[V];
  fill(sum, 0.0f);
  fill(squares, 0.0f);
  if (lane.works) {
    x.get(first + part.row, channel, pivot);
  }
  forEachRow<V>(
      part, lane,
      [&](int64 p, int slot) { x.template stage<V>(first + p, channel, staged[slot]); },
      [&](int64, int slot) {
        float v[V];
        load(staged[slot], v);
#pragma unroll
        for (int i = 0; i < V; i++) {
          float difference = v[i] - pivot[i];
          sum[i] += difference;
          squares[i] = fmaf(difference, difference, squares[i]);
        }
      });
  __syncthreads(); // all rows have been read
  int all = slots(laneBits) * part.width;
  sumRows(sum, lane, laneBits, part.width, sums);
  sumRows(squares, lane, laneBits, part.width, sums + all);
  __syncthreads();
  float count = (float)(part.end - part.row);
  for (int c = (int)threadIdx.x; c < part.width; c += (int)blockDim.x) {
    float s = sumSlots(sums, slots(laneBits), part.width, c);
    float q = sumSlots(sums + all, slots(laneBits), part.width, c);
    float shift[1];
    x.get(first + part.row, part.channel + c, shift);
    float* out = moments + part.index * 2 * channels + part.channel + c;
    out[0] = shift[0] + s / count;
    out[channels] = fmaxf(q - s * (s / count), 0.0f);
  }
}

#define MOMENTS(name, X, V)                                                                    \
  extern "C" __global__ void __launch_bounds__(256) moments_##name(                            \
      const void* x, int64 xStride, int xLow, float* moments_, int64 pixels, int channels,     \
      int tile, int laneBits, int parts, int64 partRows) {                                     \
    moments<X, V>(Operand<X>(x, xStride, xLow), moments_, pixels, channels, tile, laneBits, parts, \
                  partRows);                                                                   \
  }
FOR_TYPE(MOMENTS)

// mean and rstd [N, groups] of u from the moments of x [N, parts, 2, C]; a block for each set. Where
// there are running statistics [groups], they move: running += momentum * (new - running), the
// variance unbiased.
extern "C" __global__ void __launch_bounds__(128) statistics(
    const float* moments, const float* bias, const void* before, int64 beforeStride, int beforeLow,
    float* mean, float* rstd, float* runningMean, float* runningVariance, int64 pixels, int channels,
    int groups, int parts, int64 partRows, float epsilon, float momentum) {
  int64 n = blockIdx.x / groups;
  int group = (int)(blockIdx.x - n * groups);
  int size = channels / groups;
  Operand<Either> shift(before, beforeStride, beforeLow);
  const float* own = moments + n * parts * 2 * channels;
  float count = (float)pixels * size;
  float sum = 0.0f;
  for (int i = (int)threadIdx.x; i < parts * size; i += (int)blockDim.x) {
    int k = i / size;
    int c = group * size + i - k * size;
    float rows = (float)(min((k + 1) * partRows, pixels) - k * partRows);
    float added[1];
    getAdded(bias, shift, n, c, added);
    sum += rows * (own[(int64)k * 2 * channels + c] + added[0]);
  }
  float m = blockSum(sum) / count;
  float squares = 0.0f;
  for (int i = (int)threadIdx.x; i < parts * size; i += (int)blockDim.x) {
    int k = i / size;
    int c = group * size + i - k * size;
    float rows = (float)(min((k + 1) * partRows, pixels) - k * partRows);
    float added[1];
    getAdded(bias, shift, n, c, added);
    const float* moment = own + (int64)k * 2 * channels + c;
    float between = moment[0] + added[0] - m;
    squares += fmaf(rows * between, between, moment[channels]);
  }
  float variance = blockSum(squares) / count;
  if (threadIdx.x == 0) {
    mean[blockIdx.x] = m;
    rstd[blockIdx.x] = rsqrtf(variance + epsilon);
    if (runningMean != nullptr) {
      float unbiased = count > 1.0f ? variance * (count / (count - 1.0f)) : variance;
      runningMean[group] = (1.0f - momentum) * runningMean[group] + momentum * m;
      runningVariance[group] = (1.0f - momentum) * runningVariance[group] + momentum * unbiased;
    }
  }
}

// y from mean and rstd [N, groups]; where `ofVariance`, rstd holds variances instead, and
// 1 / sqrt(variance + epsilon) is taken. Bytes per element: x once, the residual once, y once.
// Shared: rows on their way.
template <typename X, typename Y, int V>
__device__ __forceinline__ void normalize(Operand<X> x, const float* bias, Operand<Either> before,
                                          const float* gamma, const float* beta,
                                          Operand<Either> after, Operand<Either> residual,
                                          Operand<Y> y, const float* mean, const float* rstd,
                                          int64 pixels, int channels, int groups, int tile,
                                          int laneBits, int parts, int64 partRows, int ofVariance,
                                          float epsilon, int f) {
  typedef typename Operand<X>::Staged Staged;
  DYNAMIC_SHARED(unsigned char, shared);
  Slots<Staged, V> staged(shared, 0);
  Part part(pixels, channels, tile, parts, partRows);
  Lane<V> lane(part.width, laneBits);
  if (!lane.works) {
    return;
  }
  int channel = part.channel + lane.channel;
  int64 first = (int64)part.n * pixels;
  float added[V];
  getAdded(bias, before, part.n, channel, added);
  Channels<V> by(mean, rstd, gamma, beta, part.n, groups, channels / groups, channel, added,
                 ofVariance != 0, epsilon);
  float behind[V];
  fill(behind, 0.0f);
  if (after.data != nullptr) {
    getEach(after, part.n, channel, behind);
  }
  forEachRow<V>(
      part, lane,
      [&](int64 p, int slot) { x.template stage<V>(first + p, channel, staged[slot]); },
      [&](int64 p, int slot) {
        float v[V];
        load(staged[slot], v);
        by.apply(v, f, behind, residual, y, first + p, channel);
      });
}

#define NORMALIZE(name, X, Y, V)                                                                   \
  extern "C" __global__ void __launch_bounds__(256, 3) normalize_##name(                           \
      const void* x, int64 xStride, int xLow, const float* bias, const void* before,               \
      int64 beforeStride, int beforeLow, const float* gamma, const float* beta, const void* after, \
      int64 afterStride, int afterLow, const void* residual, int64 residualStride,                 \
      int residualLow, void* y, int64 yStride, int yLow, const float* mean, const float* rstd,     \
      int64 pixels, int channels, int groups, int tile, int laneBits, int parts, int64 partRows,   \
      int ofVariance, float epsilon, int f) {                                                      \
    normalize<X, Y, V>(Operand<X>(x, xStride, xLow), bias,                                         \
                       Operand<Either>(before, beforeStride, beforeLow), gamma, beta,              \
                       Operand<Either>(after, afterStride, afterLow),                              \
                       Operand<Either>(residual, residualStride, residualLow),                     \
                       Operand<Y>(y, yStride, yLow), mean, rstd, pixels, channels, groups, tile,   \
                       laneBits, parts, partRows, ofVariance, epsilon, f);                         \
  }
FOR_TYPE_PAIR(NORMALIZE)

// ---- gradient ----
//
// With dz = dy * f'(gamma * xhat + beta) and means over a set of M = P * size elements:
//   dx = rstd * (gamma * dz - A - xhat * B),  A = sum(gamma * dz) / M,  B = sum(gamma * dz * xhat) / M
//      = scale * dz - rstd * A - (u - mean) * rstd^2 * B
//   dbeta = sum dz, dgamma = sum dz * xhat, dbefore[n,c] = sum_p dx, dafter[n,c] = sum_p dy.

// dx, dbefore, dafter, and the sums over the pixels of dz, of dz * xhat and, where shiftSums is not
// null, of dx, each [N, C]; resident. Bytes per element: x once, dy once, dx once.
// Shared: staged x and dy [P, slab] each, partial sums [2, slots, slab],
// rstd * A and rstd^2 * B [slab's groups].
template <typename X, typename DY, int V>
__device__ __forceinline__ void groupNormGradient(
    Operand<X> x, const float* bias, Operand<Either> before, const float* gamma, const float* beta,
    const float* mean, const float* rstd, Operand<DY> dy, Operand<Either> dx, float* sumDz,
    float* sumDzX, float* sumDx, Operand<Either> dbefore, Operand<Either> dafter, int pixels,
    int channels, int groups, int slabGroups, int laneBits, int f) {
  typedef typename Operand<X>::Staged StagedX;
  typedef typename Operand<DY>::Staged StagedDy;
  DYNAMIC_SHARED(unsigned char, shared);
  int size = channels / groups;
  Slab slab(groups, slabGroups, size);
  int width = slab.width;
  Lane<V> lane(width, laneBits);
  size_t staged = (size_t)pixels * width;
  StagedDy* stagedDy = (StagedDy*)(shared + (staged * sizeof(StagedX) + 15) / 16 * 16);
  float* sums = (float*)((unsigned char*)stagedDy + (staged * sizeof(StagedDy) + 15) / 16 * 16);
  int all = slots(laneBits) * width;
  float* means = sums + 2 * all;
  int channel = slab.channel + lane.channel;
  int64 first = (int64)slab.n * pixels;
  StagedX* ownX = (StagedX*)shared + lane.channel;
  StagedDy* ownDy = stagedDy + lane.channel;

  Channels<V> by;
  if (lane.works) {
    for (int p = lane.row; p < pixels; p += lane.rows) {
      x.template stage<V>(first + p, channel, ownX + p * width);
      dy.template stage<V>(first + p, channel, ownDy + p * width);
    }
    float added[V];
    getAdded(bias, before, slab.n, channel, added);
    by = Channels<V>(mean, rstd, gamma, beta, slab.n, groups, size, channel, added);
  }
  arrived();

  float sum[V];
  float products[V];
  fill(sum, 0.0f);
  fill(products, 0.0f);
  if (lane.works) {
    for (int p = lane.row; p < pixels; p += lane.rows) {
      float v[V];
      float g[V];
      load(ownX + p * width, v);
      load(ownDy + p * width, g);
      by.gradient(f, v, g);
#pragma unroll
      for (int i = 0; i < V; i++) {
        sum[i] += g[i];
        products[i] = fmaf(g[i], v[i], products[i]);
      }
    }
  }
  sumRows(sum, lane, laneBits, width, sums);
  sumRows(products, lane, laneBits, width, sums + all);
  __syncthreads();
  float count = (float)pixels * size;
  int64 out = (int64)slab.n * channels + slab.channel;
  for (int g = (int)threadIdx.x / 32; g < slab.groups; g += (int)blockDim.x / 32) {
    float r = rstd[(int64)slab.n * groups + slab.group + g];
    float a = 0.0f;
    float b = 0.0f;
    for (int i = (int)threadIdx.x % 32; i < size; i += 32) {
      int c = g * size + i;
      float s = sumSlots(sums, slots(laneBits), width, c);
      float q = r * sumSlots(sums + all, slots(laneBits), width, c);
      sumDz[out + c] = s;
      sumDzX[out + c] = q;
      a = fmaf(gamma[slab.channel + c], s, a);
      b = fmaf(gamma[slab.channel + c], q, b);
    }
    a = warpSum(a) / count;
    b = warpSum(b) / count;
    if (threadIdx.x % 32 == 0) {
      means[2 * g] = r * a;
      means[2 * g + 1] = r * r * b;
    }
  }
  __syncthreads();

  bool wantsSums = sumDx != nullptr || dbefore.data != nullptr || dafter.data != nullptr;
  fill(sum, 0.0f);
  fill(products, 0.0f);
  if (lane.works) {
    float a[V];
    float b[V];
    forEachGroup<V>(lane.channel, size, [&](int i, int g) {
      a[i] = means[2 * g];
      b[i] = means[2 * g + 1];
    });
    for (int p = lane.row; p < pixels; p += lane.rows) {
      float v[V];
      float g[V];
      load(ownX + p * width, v);
      load(ownDy + p * width, g);
      if (wantsSums) {
#pragma unroll
        for (int i = 0; i < V; i++) {
          products[i] += g[i];
        }
      }
      by.gradient(f, v, g);
#pragma unroll
      for (int i = 0; i < V; i++) {
        g[i] = fmaf(by.scale[i], g[i], -a[i]) - v[i] * b[i];
      }
      if (wantsSums) {
#pragma unroll
        for (int i = 0; i < V; i++) {
          sum[i] += g[i];
        }
      }
      dx.put(first + p, channel, g);
    }
  }
  if (!wantsSums) {
    return;
  }
  sumRows(sum, lane, laneBits, width, sums);
  sumRows(products, lane, laneBits, width, sums + all);
  __syncthreads();
  for (int c = (int)threadIdx.x; c < width; c += (int)blockDim.x) {
    float total[1] = {sumSlots(sums, slots(laneBits), width, c)};
    if (sumDx != nullptr) {
      sumDx[out + c] = total[0];
    }
    if (dbefore.data != nullptr) {
      dbefore.put(slab.n, slab.channel + c, total);
    }
    if (dafter.data != nullptr) {
      float totalDy[1] = {sumSlots(sums + all, slots(laneBits), width, c)};
      dafter.put(slab.n, slab.channel + c, totalDy);
    }
  }
}

#define GROUP_NORM_GRADIENT(name, X, DY, V)                                                        \
  extern "C" __global__ void __launch_bounds__(256, 2) groupNormGradient_##name(                      \
      const void* x, int64 xStride, int xLow, const float* bias, const void* before,               \
      int64 beforeStride, int beforeLow, const float* gamma, const float* beta, const float* mean, \
      const float* rstd, const void* dy, int64 dyStride, int dyLow, void* dx, int64 dxStride,      \
      int dxLow, float* sumDz, float* sumDzX, float* sumDx, void* dbefore, int64 dbeforeStride,    \
      int dbeforeLow, void* dafter, int64 dafterStride, int dafterLow, int pixels, int channels,   \
      int groups, int slabGroups, int laneBits, int f) {                                           \
    groupNormGradient<X, DY, V>(                                                                   \
        Operand<X>(x, xStride, xLow), bias, Operand<Either>(before, beforeStride, beforeLow),      \
        gamma, beta, mean, rstd, Operand<DY>(dy, dyStride, dyLow),                                 \
        Operand<Either>(dx, dxStride, dxLow), sumDz, sumDzX, sumDx,                                \
        Operand<Either>(dbefore, dbeforeStride, dbeforeLow),                                       \
        Operand<Either>(dafter, dafterStride, dafterLow), pixels, channels, groups, slabGroups,    \
        laneBits, f);                                                                              \
  }
FOR_TYPE_PAIR(GROUP_NORM_GRADIENT)

// Of each part and channel the sums of dz, of dz * (u - mean), of u - mean and of dy: sums [N, parts, 4, C].
// Bytes per element: x once, dy once. Shared: first rows on their way, then partial sums
// [4, slots, tile].
template <typename X, typename DY, int V>
__device__ __forceinline__ void gradientSums(Operand<X> x, const float* bias,
                                             Operand<Either> before, const float* gamma,
                                             const float* beta, const float* mean,
                                             const float* rstd, Operand<DY> dy, float* partSums,
                                             int64 pixels, int channels, int groups, int tile,
                                             int laneBits, int parts, int64 partRows, int f) {
  typedef typename Operand<X>::Staged StagedX;
  typedef typename Operand<DY>::Staged StagedDy;
  DYNAMIC_SHARED(unsigned char, shared);
  Slots<StagedX, V> stagedX(shared, 0);
  Slots<StagedDy, V> stagedDy(shared, stagedX.bytes());
  float* sums = (float*)shared;
  Part part(pixels, channels, tile, parts, partRows);
  Lane<V> lane(part.width, laneBits);
  int channel = part.channel + lane.channel;
  int64 first = (int64)part.n * pixels;
  float sum[V];
  float products[V];
  float sumX[V];
  float sumDy[V];
  fill(sum, 0.0f);
  fill(products, 0.0f);
  fill(sumX, 0.0f);
  fill(sumDy, 0.0f);
  Channels<V> by;
  if (lane.works) {
    float added[V];
    getAdded(bias, before, part.n, channel, added);
    by = Channels<V>(mean, rstd, gamma, beta, part.n, groups, channels / groups, channel, added);
  }
  forEachRow<V>(
      part, lane,
      [&](int64 p, int slot) {
        x.template stage<V>(first + p, channel, stagedX[slot]);
        dy.template stage<V>(first + p, channel, stagedDy[slot]);
      },
      [&](int64, int slot) {
        float v[V];
        float g[V];
        load(stagedX[slot], v);
        load(stagedDy[slot], g);
#pragma unroll
        for (int i = 0; i < V; i++) {
          sumDy[i] += g[i];
        }
        by.gradient(f, v, g);
#pragma unroll
        for (int i = 0; i < V; i++) {
          sum[i] += g[i];
          products[i] = fmaf(g[i], v[i], products[i]);
          sumX[i] += v[i];
        }
      });
  __syncthreads(); // all rows have been read
  int all = slots(laneBits) * part.width;
  sumRows(sum, lane, laneBits, part.width, sums);
  sumRows(products, lane, laneBits, part.width, sums + all);
  sumRows(sumX, lane, laneBits, part.width, sums + 2 * all);
  sumRows(sumDy, lane, laneBits, part.width, sums + 3 * all);
  __syncthreads();
  for (int i = (int)threadIdx.x; i < 4 * part.width; i += (int)blockDim.x) {
    int k = i / part.width;
    int c = i - k * part.width;
    partSums[(part.index * 4 + k) * channels + part.channel + c] =
        sumSlots(sums + k * all, slots(laneBits), part.width, c);
  }
}

#define GRADIENT_SUMS(name, X, DY, V)                                                              \
  extern "C" __global__ void __launch_bounds__(256, 2) gradientSums_##name(                           \
      const void* x, int64 xStride, int xLow, const float* bias, const void* before,               \
      int64 beforeStride, int beforeLow, const float* gamma, const float* beta, const float* mean, \
      const float* rstd, const void* dy, int64 dyStride, int dyLow, float* partSums,               \
      int64 pixels, int channels, int groups, int tile, int laneBits, int parts, int64 partRows,   \
      int f) {                                                                                     \
    gradientSums<X, DY, V>(Operand<X>(x, xStride, xLow), bias,                                     \
                           Operand<Either>(before, beforeStride, beforeLow), gamma, beta, mean,    \
                           rstd, Operand<DY>(dy, dyStride, dyLow), partSums, pixels, channels,     \
                           groups, tile, laneBits, parts, partRows, f);                            \
  }
FOR_TYPE_PAIR(GRADIENT_SUMS)

// From the parts' sums [N, parts, 4, C]: the sums over the pixels as groupNormGradient leaves them,
// dbefore, dafter, and of each set rstd * A and rstd^2 * B: means [N, groups, 2]. A block for each set.
extern "C" __global__ void __launch_bounds__(128) gradientMeans(
    const float* partSums, const float* gamma, const float* rstd, float* sumDz, float* sumDzX,
    float* sumDx, void* dbefore, int64 dbeforeStride, int dbeforeLow, void* dafter,
    int64 dafterStride, int dafterLow, float* means, int64 pixels, int channels, int groups,
    int parts) {
  int64 n = blockIdx.x / groups;
  int group = (int)(blockIdx.x - n * groups);
  int size = channels / groups;
  int lane = (int)threadIdx.x % 32;
  int warps = (int)blockDim.x / 32;
  // A warp for each channel, first for A and B, then for what is made with them.
  const float* own = partSums + n * parts * 4 * channels + (int64)group * size;
  const float* scale = gamma + group * size;
  int64 out = n * channels + (int64)group * size;
  float r = rstd[blockIdx.x];
  float a = 0.0f;
  float b = 0.0f;
  for (int c = (int)threadIdx.x / 32; c < size; c += warps) {
    float s = 0.0f;
    float q = 0.0f;
    for (int k = lane; k < parts; k += 32) {
      s += own[((int64)k * 4) * channels + c];
      q += own[((int64)k * 4 + 1) * channels + c];
    }
    s = warpSum(s);
    q = r * warpSum(q);
    if (lane == 0) {
      sumDz[out + c] = s;
      sumDzX[out + c] = q;
      a = fmaf(scale[c], s, a);
      b = fmaf(scale[c], q, b);
    }
  }
  float count = (float)pixels * size;
  a = r * blockSum(a) / count;
  b = r * r * blockSum(b) / count;
  if (threadIdx.x == 0) {
    means[2 * (int64)blockIdx.x] = a;
    means[2 * (int64)blockIdx.x + 1] = b;
  }
  Operand<Either> before(dbefore, dbeforeStride, dbeforeLow);
  Operand<Either> after(dafter, dafterStride, dafterLow);
  if (sumDx == nullptr && dbefore == nullptr && dafter == nullptr) {
    return;
  }
  for (int c = (int)threadIdx.x / 32; c < size; c += warps) {
    float sumX = 0.0f;
    float sumDy = 0.0f;
    float s = 0.0f;
    for (int k = lane; k < parts; k += 32) {
      s += own[((int64)k * 4) * channels + c];
      sumX += own[((int64)k * 4 + 2) * channels + c];
      sumDy += own[((int64)k * 4 + 3) * channels + c];
    }
    float total[1] = {r * scale[c] * warpSum(s) - a * (float)pixels - b * warpSum(sumX)};
    float totalDy[1] = {warpSum(sumDy)};
    if (lane == 0) {
      if (sumDx != nullptr) {
        sumDx[out + c] = total[0];
      }
      if (dbefore != nullptr) {
        before.put(n, group * size + c, total);
      }
      if (dafter != nullptr) {
        after.put(n, group * size + c, totalDy);
      }
    }
  }
}

// dx from the means. Bytes per element: x once, dy once, dx once. Shared: rows on their way.
template <typename X, typename DY, int V>
__device__ __forceinline__ void normalizeGradient(Operand<X> x, const float* bias,
                                                  Operand<Either> before, const float* gamma,
                                                  const float* beta, const float* mean,
                                                  const float* rstd, Operand<DY> dy,
                                                  Operand<Either> dx, const float* means,
                                                  int64 pixels, int channels, int groups, int tile,
                                                  int laneBits, int parts, int64 partRows, int f) {
  typedef typename Operand<X>::Staged StagedX;
  typedef typename Operand<DY>::Staged StagedDy;
  DYNAMIC_SHARED(unsigned char, shared);
  Slots<StagedX, V> stagedX(shared, 0);
  Slots<StagedDy, V> stagedDy(shared, stagedX.bytes());
  Part part(pixels, channels, tile, parts, partRows);
  Lane<V> lane(part.width, laneBits);
  if (!lane.works) {
    return;
  }
  int channel = part.channel + lane.channel;
  int64 first = (int64)part.n * pixels;
  int size = channels / groups;
  float added[V];
  float a[V];
  float b[V];
  getAdded(bias, before, part.n, channel, added);
  Channels<V> by(mean, rstd, gamma, beta, part.n, groups, size, channel, added);
  forEachGroup<V>(channel, size, [&](int i, int g) {
    a[i] = means[2 * ((int64)part.n * groups + g)];
    b[i] = means[2 * ((int64)part.n * groups + g) + 1];
  });
  forEachRow<V>(
      part, lane,
      [&](int64 p, int slot) {
        x.template stage<V>(first + p, channel, stagedX[slot]);
        dy.template stage<V>(first + p, channel, stagedDy[slot]);
      },
      [&](int64 p, int slot) {
        float v[V];
        float g[V];
        load(stagedX[slot], v);
        load(stagedDy[slot], g);
        by.gradient(f, v, g);
#pragma unroll
        for (int i = 0; i < V; i++) {
          g[i] = fmaf(by.scale[i], g[i], -a[i]) - v[i] * b[i];
        }
        dx.put(first + p, channel, g);
      });
}

#define NORMALIZE_GRADIENT(name, X, DY, V)                                                         \
  extern "C" __global__ void __launch_bounds__(256, 2) normalizeGradient_##name(                      \
      const void* x, int64 xStride, int xLow, const float* bias, const void* before,               \
      int64 beforeStride, int beforeLow, const float* gamma, const float* beta, const float* mean, \
      const float* rstd, const void* dy, int64 dyStride, int dyLow, void* dx, int64 dxStride,      \
      int dxLow, const float* means, int64 pixels, int channels, int groups, int tile,             \
      int laneBits, int parts, int64 partRows, int f) {                                            \
    normalizeGradient<X, DY, V>(                                                                   \
        Operand<X>(x, xStride, xLow), bias, Operand<Either>(before, beforeStride, beforeLow),      \
        gamma, beta, mean, rstd, Operand<DY>(dy, dyStride, dyLow),                                 \
        Operand<Either>(dx, dxStride, dxLow), means, pixels, channels, groups, tile, laneBits,     \
        parts, partRows, f);                                                                       \
  }
FOR_TYPE_PAIR(NORMALIZE_GRADIENT)

// out[c] = sum_n sums[n, c] for up to three pairs, blockIdx.y of them: dbeta, dgamma and dbias of the
// sums over the pixels. Blocks of 256 threads: 32 channels, 8 rows.
extern "C" __global__ void __launch_bounds__(256) sumSamples(const float* sumDz,
                                                             const float* sumDzX,
                                                             const float* sumDx, float* dbeta,
                                                             float* dgamma, float* dbias,
                                                             int samples, int channels) {
  __shared__ float partial[8][32];
  const float* sums = blockIdx.y == 0 ? sumDz : blockIdx.y == 1 ? sumDzX : sumDx;
  float* out = blockIdx.y == 0 ? dbeta : blockIdx.y == 1 ? dgamma : dbias;
  int lane = (int)threadIdx.x % 32;
  int row = (int)threadIdx.x / 32;
  int c = (int)blockIdx.x * 32 + lane;
  float sum = 0.0f;
  if (c < channels) {
    for (int n = row; n < samples; n += 8) {
      sum += sums[(int64)n * channels + c];
    }
  }
  partial[row][lane] = sum;
  __syncthreads();
  if (row == 0 && c < channels) {
    for (int r = 1; r < 8; r++) {
      sum += partial[r][lane];
    }
    out[c] = sum;
  }
}
