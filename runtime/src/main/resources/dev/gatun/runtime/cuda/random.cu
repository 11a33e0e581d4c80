// Counted random numbers, with the bits of dev.gatun.runtime.random: CudaRandomFill.
//
// A multiplication and an addition that were contracted to one rounding would be other numbers than
// the processor's, so that fused operations are only those that are written.
// nvrtc options: --fmad=false
#include "common.cuh"

// Philox4x32-10: the four words of counter (c.x, c.y, c.z, c.w) under a key. Salmon et al. 2011.
__device__ __forceinline__ uint4 philox(uint64 key, uint4 c) {
  unsigned k0 = (unsigned)key;
  unsigned k1 = (unsigned)(key >> 32);
#pragma unroll
  for (int round = 0; round < 10; round++) {
    uint64 product0 = (uint64)0xD2511F53u * c.x;
    uint64 product1 = (uint64)0xCD9E8D57u * c.z;
    c = make_uint4((unsigned)(product1 >> 32) ^ c.y ^ k0, (unsigned)product1,
                   (unsigned)(product0 >> 32) ^ c.w ^ k1, (unsigned)product0);
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return c;
}

// The upper 24 bits times 2^-24.
__device__ __forceinline__ float uniform(unsigned word) { return (word >> 8) * 0x1p-24f; }

// Gaussian.radius: sqrt(-2 ln u) of the first word of a pair.
__device__ __forceinline__ float radius(unsigned word) {
  float k = (float)((word >> 8) + 1); // exact: at most 2^24
  int bits = __float_as_int(k);
  int exponent = (bits >> 23) - 127;
  int mantissa = (bits & 0x007FFFFF) | 0x3F800000;
  if (mantissa > 0x3FB504F3) { // sqrt 2
    mantissa -= 0x00800000;
    exponent++;
  }
  float f = __int_as_float(mantissa) - 1.0f;
  float square = f * f;
  float p = 7.0376836292e-2f;
  p = fmaf(p, f, -1.1514610310e-1f);
  p = fmaf(p, f, 1.1676998740e-1f);
  p = fmaf(p, f, -1.2420140846e-1f);
  p = fmaf(p, f, 1.4249322787e-1f);
  p = fmaf(p, f, -1.6668057665e-1f);
  p = fmaf(p, f, 2.0000714765e-1f);
  p = fmaf(p, f, -2.4999993993e-1f);
  p = fmaf(p, f, 3.3333331174e-1f);
  float tail = p * f * square;
  float log = fmaf((float)(exponent - 24), 0.693147180559945f, f + fmaf(-0.5f, square, tail));
  return __fsqrt_rn(-2.0f * log);
}

// Gaussian.cosine and Gaussian.sine of the second word of a pair.
__device__ __forceinline__ void cosineAndSine(unsigned word, float& cosine, float& sine) {
  unsigned shifted = (word >> 8) + (1u << 21);
  unsigned quadrant = shifted >> 22;
  float a = (float)((int)(shifted & 0x3FFFFFu) - (1 << 21)) * 0x1p-22f * 1.5707963267948966f;
  float square = a * a;
  float s = -1.9515295891e-4f;
  s = fmaf(s, square, 8.3321608736e-3f);
  s = fmaf(s, square, -1.6666654611e-1f);
  s = fmaf(s * square, a, a);
  float c = 2.443315711809948e-5f;
  c = fmaf(c, square, -1.388731625493765e-3f);
  c = fmaf(c, square, 4.166664568298827e-2f);
  c = fmaf(c * square, square, fmaf(-0.5f, square, 1.0f));
  float forSine = quadrant & 1u ? c : s;
  float forCosine = quadrant & 1u ? s : c;
  sine = quadrant & 2u ? -forSine : forSine;
  cosine = (quadrant + 1u) & 2u ? -forCosine : forCosine;
}

// Gaussian.block: the normal numbers of the four words.
__device__ __forceinline__ void normals(uint4 words, float (&numbers)[4]) {
  float cosine;
  float sine;
  float r = radius(words.x);
  cosineAndSine(words.y, cosine, sine);
  numbers[0] = r * cosine;
  numbers[1] = r * sine;
  r = radius(words.z);
  cosineAndSine(words.w, cosine, sine);
  numbers[2] = r * cosine;
  numbers[3] = r * sine;
}

__device__ __forceinline__ void uniforms(uint4 words, float (&numbers)[4]) {
  numbers[0] = uniform(words.x);
  numbers[1] = uniform(words.y);
  numbers[2] = uniform(words.z);
  numbers[3] = uniform(words.w);
}

// Calls body(words, sample, element) for the elements element .. element + 3 of each sample of
// perSample elements, with the words of their Philox block.
template <typename Body>
__device__ __forceinline__ void forEachBlock(uint64 key, int purpose, const int* step,
                                             int firstSample, int64 samples, int64 perSample,
                                             Body body) {
  unsigned now = (unsigned)step[0];
  forEach<1>(samples, 0, (perSample + 3) / 4, [&](int64 sample, int64 block) {
    uint4 counter = make_uint4((unsigned)block, (unsigned)firstSample + (unsigned)sample, now,
                               (unsigned)purpose);
    body(philox(key, counter), sample, block * 4);
  });
}

// Where element e of a sample lies: rows of channels, `stride` apart, perSample / channels to a
// sample. A dense sample comes as one row.
__device__ __forceinline__ int64 offsetOf(int64 sample, int64 e, int64 perSample, int64 channels,
                                          int64 stride) {
  if (channels == perSample) {
    return sample * stride + e;
  }
  int64 row = e / channels;
  return (sample * (perSample / channels) + row) * stride + (e - row * channels);
}

// y[sample, e] = number e mod 4 of block e / 4. vector: 4 elements are one aligned access.
template <typename Y, typename Transform>
__device__ __forceinline__ void fill(uint64 key, int purpose, const int* step, int firstSample,
                                     Y* y, int64 stride, int64 samples, int64 perSample,
                                     int64 channels, int vector, Transform transform) {
  forEachBlock(key, purpose, step, firstSample, samples, perSample,
               [&](uint4 words, int64 sample, int64 e) {
                 float numbers[4];
                 transform(words, numbers);
                 if (vector) {
                   store(y + sample * stride + e, numbers);
                   return;
                 }
#pragma unroll
                 for (int k = 0; k < 4; k++) {
                   if (e + k < perSample) {
                     y[offsetOf(sample, e + k, perSample, channels, stride)] =
                         fromFloat<Y>(numbers[k]);
                   }
                 }
               });
}

#define FILL(y_, Y)                                                                             \
  extern "C" __global__ void normal_##y_(uint64 key, int purpose, const int* step,              \
                                         int firstSample, Y* y, int64 stride, int64 samples,    \
                                         int64 perSample, int64 channels, int vector) {         \
    fill(key, purpose, step, firstSample, y, stride, samples, perSample, channels, vector,      \
         [](uint4 words, float(&numbers)[4]) { normals(words, numbers); });                     \
  }                                                                                             \
  extern "C" __global__ void uniform_##y_(uint64 key, int purpose, const int* step,             \
                                          int firstSample, Y* y, int64 stride, int64 samples,   \
                                          int64 perSample, int64 channels, int vector) {        \
    fill(key, purpose, step, firstSample, y, stride, samples, perSample, channels, vector,      \
         [](uint4 words, float(&numbers)[4]) { uniforms(words, numbers); });                    \
  }
FOR_EACH_TYPE(FILL)

// y[sample] = low + floor(word * count / 2^32).
extern "C" __global__ void integers(uint64 key, int purpose, const int* step, int firstSample,
                                    int low, int count, int* y, int64 samples) {
  forEachBlock(key, purpose, step, firstSample, samples, 1,
               [&](uint4 words, int64 sample, int64) {
                 y[sample] = low + (int)__umulhi(words.x, (unsigned)count);
               });
}

// y = scale * x where the uniform number is p or more, else 0.
template <typename X, typename Y>
__device__ __forceinline__ void dropout(uint64 key, int purpose, const int* step, float p,
                                        float scale, const X* x, int64 xStride, Y* y, int64 yStride,
                                        int64 samples, int64 perSample, int64 channels,
                                        int vector) {
  forEachBlock(key, purpose, step, 0, samples, perSample,
               [&](uint4 words, int64 sample, int64 e) {
                 float numbers[4];
                 uniforms(words, numbers);
                 if (vector) {
                   float v[4];
                   load(x + sample * xStride + e, v);
#pragma unroll
                   for (int k = 0; k < 4; k++) {
                     v[k] = numbers[k] >= p ? scale * v[k] : 0.0f;
                   }
                   store(y + sample * yStride + e, v);
                   return;
                 }
#pragma unroll
                 for (int k = 0; k < 4; k++) {
                   if (e + k < perSample) {
                     float v =
                         toFloat(x[offsetOf(sample, e + k, perSample, channels, xStride)]);
                     y[offsetOf(sample, e + k, perSample, channels, yStride)] =
                         fromFloat<Y>(numbers[k] >= p ? scale * v : 0.0f);
                   }
                 }
               });
}

#define DROPOUT(x_, X, y_, Y)                                                                    \
  extern "C" __global__ void dropout_##x_##_##y_(                                                \
      uint64 key, int purpose, const int* step, float p, float scale, const X* x, int64 xStride, \
      Y* y, int64 yStride, int64 samples, int64 perSample, int64 channels, int vector) {         \
    dropout(key, purpose, step, p, scale, x, xStride, y, yStride, samples, perSample, channels,  \
            vector);                                                                             \
  }
FOR_EACH_2_TYPES(DROPOUT)
