// Counted random numbers, with the bits of dev.gatun.runtime.random: CudaRandomFill.
//
// nvrtc options: --fmad=false
#include "common.cuh"
#include "random.cuh"

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

// y = scale * x where the uniform number is p or more, else 0. vector: perSample is a multiple of 8, and
// 8 elements begin at a multiple of 16 bytes, so that a thread takes two blocks, 16 bytes of bf16.
template <typename X, typename Y>
__device__ __forceinline__ void dropout(uint64 key, int purpose, const int* step, float p,
                                        float scale, const X* x, int64 xStride, Y* y, int64 yStride,
                                        int64 samples, int64 perSample, int64 channels,
                                        int vector) {
  // A number is the upper 24 bits of its word times 2^-24, so that it is p or more where the word is
  // `least` or more. p is below 1.
  unsigned least = (unsigned)ceilf(p * 0x1p24f) << 8;
  if (vector) {
    unsigned now = (unsigned)step[0];
    forEach<1>(samples, 0, perSample / 8, [&](int64 sample, int64 pair) {
      float v[8];
      load(x + sample * xStride + pair * 8, v);
#pragma unroll
      for (int half = 0; half < 2; half++) {
        uint4 words = philox(key, make_uint4((unsigned)pair * 2 + half, (unsigned)sample, now,
                                             (unsigned)purpose));
        float* four = v + 4 * half;
        four[0] = words.x >= least ? scale * four[0] : 0.0f;
        four[1] = words.y >= least ? scale * four[1] : 0.0f;
        four[2] = words.z >= least ? scale * four[2] : 0.0f;
        four[3] = words.w >= least ? scale * four[3] : 0.0f;
      }
      store(y + sample * yStride + pair * 8, v);
    });
    return;
  }
  forEachBlock(key, purpose, step, 0, samples, perSample,
               [&](uint4 words, int64 sample, int64 e) {
                 unsigned four[4] = {words.x, words.y, words.z, words.w};
#pragma unroll
                 for (int k = 0; k < 4; k++) {
                   if (e + k < perSample) {
                     float v =
                         toFloat(x[offsetOf(sample, e + k, perSample, channels, xStride)]);
                     y[offsetOf(sample, e + k, perSample, channels, yStride)] =
                         fromFloat<Y>(four[k] >= least ? scale * v : 0.0f);
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
