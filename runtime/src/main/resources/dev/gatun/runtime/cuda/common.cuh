// What the kernels of all families share. It includes nothing, so that NVRTC needs no headers of
// CUDA's and a host compiler can read the same text.
#pragma once

typedef long long int64;
typedef unsigned long long uint64;

// The upper half of a binary32.
struct bf16 {
  unsigned short bits;
};

__device__ __forceinline__ float toFloat(float x) { return x; }

__device__ __forceinline__ float toFloat(bf16 x) { return __uint_as_float((unsigned)x.bits << 16); }

// Two bf16 in one word, each rounded to nearest even; a NaN stays one.
__device__ __forceinline__ unsigned packBf16(float low, float high) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  unsigned packed;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(packed) : "f"(high), "f"(low));
  return packed;
#else
  unsigned l = __float_as_uint(low);
  unsigned h = __float_as_uint(high);
  l = low != low ? l >> 16 | 0x40u : (l + 0x7FFFu + (l >> 16 & 1u)) >> 16;
  h = high != high ? h >> 16 | 0x40u : (h + 0x7FFFu + (h >> 16 & 1u)) >> 16;
  return l | h << 16;
#endif
}

template <typename T>
__device__ __forceinline__ T fromFloat(float x);

template <>
__device__ __forceinline__ float fromFloat<float>(float x) {
  return x;
}

template <>
__device__ __forceinline__ bf16 fromFloat<bf16>(float x) {
  bf16 y;
  y.bits = (unsigned short)packBf16(x, 0.0f);
  return y;
}

// What an element of type T keeps of x.
template <typename T>
__device__ __forceinline__ float rounded(float x) {
  return toFloat(fromFloat<T>(x));
}

// Elements per 16-byte access of the narrowest of the types: 4 where all are fp32, else 8.
template <typename... T>
__device__ constexpr int vectorWidth() {
  int narrowest = 4;
  const int sizes[] = {(int)sizeof(T)...};
  for (int size : sizes) {
    narrowest = size < narrowest ? size : narrowest;
  }
  return 16 / narrowest;
}

// V elements from p on: 1, or a multiple of 4 at an address that is a multiple of 16 bytes, or of
// the bytes of the V elements where these are fewer.
template <int V>
__device__ __forceinline__ void load(const float* p, float (&v)[V]) {
  if constexpr (V == 1) {
    v[0] = p[0];
  } else {
    static_assert(V % 4 == 0, "a whole number of 16-byte accesses");
#pragma unroll
    for (int i = 0; i < V; i += 4) {
      float4 q = *(const float4*)(p + i);
      v[i] = q.x;
      v[i + 1] = q.y;
      v[i + 2] = q.z;
      v[i + 3] = q.w;
    }
  }
}

__device__ __forceinline__ float lowBf16(unsigned packed) { return __uint_as_float(packed << 16); }

__device__ __forceinline__ float highBf16(unsigned packed) {
  return __uint_as_float(packed & 0xFFFF0000u);
}

template <int V>
__device__ __forceinline__ void load(const bf16* p, float (&v)[V]) {
  if constexpr (V == 1) {
    v[0] = toFloat(p[0]);
  } else if constexpr (V == 4) {
    uint2 q = *(const uint2*)p;
    v[0] = lowBf16(q.x);
    v[1] = highBf16(q.x);
    v[2] = lowBf16(q.y);
    v[3] = highBf16(q.y);
  } else {
    static_assert(V % 8 == 0, "a whole number of 16-byte accesses");
#pragma unroll
    for (int i = 0; i < V; i += 8) {
      uint4 q = *(const uint4*)(p + i);
      v[i] = lowBf16(q.x);
      v[i + 1] = highBf16(q.x);
      v[i + 2] = lowBf16(q.y);
      v[i + 3] = highBf16(q.y);
      v[i + 4] = lowBf16(q.z);
      v[i + 5] = highBf16(q.z);
      v[i + 6] = lowBf16(q.w);
      v[i + 7] = highBf16(q.w);
    }
  }
}

template <int V>
__device__ __forceinline__ void store(float* p, const float (&v)[V]) {
  if constexpr (V == 1) {
    p[0] = v[0];
  } else {
    static_assert(V % 4 == 0, "a whole number of 16-byte accesses");
#pragma unroll
    for (int i = 0; i < V; i += 4) {
      *(float4*)(p + i) = make_float4(v[i], v[i + 1], v[i + 2], v[i + 3]);
    }
  }
}

template <int V>
__device__ __forceinline__ void store(bf16* p, const float (&v)[V]) {
  if constexpr (V == 1) {
    p[0] = fromFloat<bf16>(v[0]);
  } else if constexpr (V == 4) {
    *(uint2*)p = make_uint2(packBf16(v[0], v[1]), packBf16(v[2], v[3]));
  } else {
    static_assert(V % 8 == 0, "a whole number of 16-byte accesses");
#pragma unroll
    for (int i = 0; i < V; i += 8) {
      *(uint4*)(p + i) = make_uint4(packBf16(v[i], v[i + 1]), packBf16(v[i + 2], v[i + 3]),
                                    packBf16(v[i + 4], v[i + 5]), packBf16(v[i + 6], v[i + 7]));
    }
  }
}

// The number of this thread among all of the grid's x-axis, and how many there are: below 2^32.
__device__ __forceinline__ unsigned gridThread() { return blockIdx.x * blockDim.x + threadIdx.x; }

__device__ __forceinline__ unsigned gridThreads() { return gridDim.x * blockDim.x; }

// Calls body(row, column) for columns from, from + V, ... below to of each row, each once along the
// grid's x-axis; threads that follow each other take columns that do. Divides once per thread, not
// once per call, and by 32 bits: a longer row is wider than the grid.
template <int V, typename Body>
__device__ __forceinline__ void forEach(int64 rows, int64 from, int64 to, Body body) {
  int64 perRow = (to - from + V - 1) / V;
  if (perRow <= 0) {
    return;
  }
  unsigned divisor = perRow < 0xFFFFFFFFll ? (unsigned)perRow : 0xFFFFFFFFu;
  int64 row = gridThread() / divisor;
  int64 column = gridThread() % divisor;
  unsigned rowStep = gridThreads() / divisor;
  unsigned columnStep = gridThreads() % divisor;
  while (row < rows) {
    body(row, from + column * V);
    row += rowStep;
    column += columnStep;
    if (column >= perRow) {
      column -= perRow;
      row++;
    }
  }
}

// Calls body(sample) for each sample along the grid's y-axis.
template <typename Body>
__device__ __forceinline__ void forEachSample(int samples, Body body) {
  for (int n = blockIdx.y; n < samples; n += gridDim.y) {
    body(n);
  }
}

__device__ __forceinline__ float warpSum(float x) {
#pragma unroll
  for (int lanes = 16; lanes > 0; lanes /= 2) {
    x += __shfl_xor_sync(0xFFFFFFFFu, x, lanes);
  }
  return x;
}

// The sum over all threads of a one-dimensional block of whole warps, for every thread, in an
// order that only the block's size decides. All threads must call it.
__device__ __forceinline__ float blockSum(float x) {
  __shared__ float sums[32];
  int lane = threadIdx.x % 32;
  x = warpSum(x);
  __syncthreads(); // the last call's sums have been read
  if (lane == 0) {
    sums[threadIdx.x / 32] = x;
  }
  __syncthreads();
  return warpSum(lane < blockDim.x / 32 ? sums[lane] : 0.0f);
}

// Activations: the places of runtime.op.Activation's constants.
enum Activation { IDENTITY = 0, RELU = 1, SILU = 2, GELU = 3, SINE = 4 };

// 2^x, relative error below 2^-22; 0 where that is below 2^-126, which __expf scales for in three more
// instructions.
__device__ __forceinline__ float exp2Flushed(float x) {
#if defined(__CUDA_ARCH__)
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
#else
  return exp2f(x);
#endif
}

// By the fast exponential and quotient, of which the relative error is below 2^-20 where sigmoid is not
// negligible: kernels that wait for memory otherwise wait for this. 1 + 2^-126 is 1.
__device__ __forceinline__ float sigmoid(float x) {
  return __fdividef(1.0f, 1.0f + exp2Flushed(x * -1.4426950408889634f));
}

// (1 + erf(x / sqrt 2)) / 2, the tail included.
__device__ __forceinline__ float normalCdf(float x) { return 0.5f * erfcf(x * -0.70710678118654752f); }

// sin(x + quarterTurns * pi / 2) by Taylor's series in double precision on at most a quarter turn:
// right to the last place of an fp32, without the slow path and the stack frame of sinf. Rare and long,
// and so a call.
__device__ __noinline__ float sineOf(float x, int quarterTurns) {
  double turns = rint(x * 0.63661977236758134);
  double r = fma(-turns, 6.123233995736766e-17, fma(-turns, 1.5707963267948966, (double)x));
  int quadrant = ((int)(long long)turns + quarterTurns) & 3;
  double square = r * r;
  double value;
  if ((quadrant & 1) == 0) {
    double p = -1 / 39916800.0;
    p = fma(p, square, 1 / 362880.0);
    p = fma(p, square, -1 / 5040.0);
    p = fma(p, square, 1 / 120.0);
    p = fma(p, square, -1 / 6.0);
    value = r * fma(p, square, 1.0);
  } else {
    double p = 1 / 479001600.0;
    p = fma(p, square, -1 / 3628800.0);
    p = fma(p, square, 1 / 40320.0);
    p = fma(p, square, -1 / 720.0);
    p = fma(p, square, 1 / 24.0);
    p = fma(p, square, -0.5);
    value = fma(p, square, 1.0);
  }
  return (float)(quadrant < 2 ? value : -value);
}

// f(x); a NaN stays one. f is the same for all threads.
__device__ __forceinline__ float activation(int f, float x) {
  switch (f) {
    case RELU: return x <= 0.0f ? 0.0f : x;
    case SILU: return x * sigmoid(x);
    case GELU: return x * normalCdf(x);
    case SINE: return sineOf(x, 0);
    default: return x;
  }
}

// dy * f'(x).
__device__ __forceinline__ float activationGradient(int f, float x, float dy) {
  switch (f) {
    case RELU: return x <= 0.0f ? 0.0f : dy;
    case SILU: {
      float s = sigmoid(x);
      return dy * (s * fmaf(x, 1.0f - s, 1.0f));
    }
    case GELU: return dy * fmaf(x, 0.39894228040143268f * expf(-0.5f * x * x), normalCdf(x));
    case SINE: return dy * sineOf(x, 1);
    default: return dy;
  }
}

// v = f(v), with one branch for V.
template <int V>
__device__ __forceinline__ void activateTogether(int f, float (&v)[V]) {
  switch (f) {
    case IDENTITY: break;
#define GATUN_CASE(F)             \
  case F:                         \
    _Pragma("unroll")             \
    for (int i = 0; i < V; i++) { \
      v[i] = activation(F, v[i]); \
    }                             \
    break;
    GATUN_CASE(RELU)
    GATUN_CASE(SILU)
    GATUN_CASE(GELU)
    GATUN_CASE(SINE)
#undef GATUN_CASE
  }
}

// dy = dy * f'(x), with one branch for V.
template <int V>
__device__ __forceinline__ void activateTogetherGradient(int f, const float (&x)[V],
                                                         float (&dy)[V]) {
  switch (f) {
    case IDENTITY: break;
#define GATUN_CASE(F)                             \
  case F:                                         \
    _Pragma("unroll")                             \
    for (int i = 0; i < V; i++) {                 \
      dy[i] = activationGradient(F, x[i], dy[i]); \
    }                                             \
    break;
    GATUN_CASE(RELU)
    GATUN_CASE(SILU)
    GATUN_CASE(GELU)
    GATUN_CASE(SINE)
#undef GATUN_CASE
  }
}

// v = f(v), four together: with more the registers of the costly activations would be the kernel's.
template <int V>
__device__ __forceinline__ void activateAll(int f, float (&v)[V]) {
  constexpr int PART = V < 4 ? V : 4;
#pragma unroll
  for (int from = 0; from < V; from += PART) {
    float part[PART];
#pragma unroll
    for (int i = 0; i < PART; i++) {
      part[i] = v[from + i];
    }
    activateTogether(f, part);
#pragma unroll
    for (int i = 0; i < PART; i++) {
      v[from + i] = part[i];
    }
  }
}

// dy = dy * f'(x), likewise.
template <int V>
__device__ __forceinline__ void activateAllGradient(int f, const float (&x)[V], float (&dy)[V]) {
  constexpr int PART = V < 4 ? V : 4;
#pragma unroll
  for (int from = 0; from < V; from += PART) {
    float argument[PART];
    float part[PART];
#pragma unroll
    for (int i = 0; i < PART; i++) {
      argument[i] = x[from + i];
      part[i] = dy[from + i];
    }
    activateTogetherGradient(f, argument, part);
#pragma unroll
    for (int i = 0; i < PART; i++) {
      dy[from + i] = part[i];
    }
  }
}

// Makes an entry point for each dtype, or for each two or three: ENTRY(f32, float), ...
#define FOR_EACH_TYPE(ENTRY) ENTRY(f32, float) ENTRY(bf16, bf16)

#define FOR_EACH_2_TYPES(ENTRY) \
  ENTRY(f32, float, f32, float) \
  ENTRY(f32, float, bf16, bf16) \
  ENTRY(bf16, bf16, f32, float) \
  ENTRY(bf16, bf16, bf16, bf16)

#define FOR_EACH_3_TYPES(ENTRY)            \
  ENTRY(f32, float, f32, float, f32, float)  \
  ENTRY(f32, float, f32, float, bf16, bf16)  \
  ENTRY(f32, float, bf16, bf16, f32, float)  \
  ENTRY(f32, float, bf16, bf16, bf16, bf16)  \
  ENTRY(bf16, bf16, f32, float, f32, float)  \
  ENTRY(bf16, bf16, f32, float, bf16, bf16)  \
  ENTRY(bf16, bf16, bf16, bf16, f32, float)  \
  ENTRY(bf16, bf16, bf16, bf16, bf16, bf16)

// The block's dynamic shared memory as an array of a type.
#ifndef DYNAMIC_SHARED
#define DYNAMIC_SHARED(Type, name)                        \
  extern __shared__ __align__(16) unsigned char dynamicShared[]; \
  Type* name = (Type*)dynamicShared
#endif
