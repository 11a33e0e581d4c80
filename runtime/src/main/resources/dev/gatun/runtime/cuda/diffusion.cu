// What a network that undoes noise learns from, and a sampler's step: CudaDiffusion.
// nvrtc options: --fmad=false
#include "common.cuh"
#include "random.cuh"

// (2 p - 255) / 255: the image's value of a byte, correctly rounded.
__device__ __forceinline__ float valueOf(unsigned char p) { return (float)(2 * p - 255) / 255.0f; }

// xt = weights[0, t] x0 + weights[1, t] eps and target = weights[2, t] x0 + weights[3, t] eps.
// images: [M, H, W, C] bytes; picks, t: [N]; weights: [4, steps]; xt, target: [N, H, W, C] with
// perSample = H W C and rowElements = W C. Samples along the grid's y-axis, four elements a thread.
// vector: perSample is a multiple of 4, and images start at a multiple of 4 bytes, xt and target of
// 16.
extern "C" __global__ void noisyImages(uint64 key, int purpose, const int* step,
                                       const unsigned char* images, const int* picks, const int* t,
                                       const float* weights, int steps, float* xt, float* target,
                                       int samples, int perSample, int rowElements, int channels,
                                       int vector) {
  unsigned now = (unsigned)step[0];
  forEachSample(samples, [&](int n) {
    int pick = picks[n];
    const float* weight = weights + t[n];
    float signal = weight[0];
    float noise = weight[steps];
    float image = weight[2 * steps];
    float imageNoise = weight[3 * steps];
    const unsigned char* bytes = images + (int64)(pick < 0 ? ~pick : pick) * perSample;
    float* xtn = xt + (int64)n * perSample;
    float* targetn = target + (int64)n * perSample;
    forEach<1>(1, 0, (perSample + 3) / 4, [&](int64, int64 block) {
      int e = (int)block * 4;
      unsigned char p[4];
      if (vector && pick >= 0) {
        uchar4 four = *(const uchar4*)(bytes + e);
        p[0] = four.x;
        p[1] = four.y;
        p[2] = four.z;
        p[3] = four.w;
      } else {
#pragma unroll
        for (int k = 0; k < 4; k++) {
          int at = e + k;
          if (pick < 0) {
            int inRow = at % rowElements;
            int channel = inRow % channels;
            at += rowElements - channels - 2 * (inRow - channel);
          }
          p[k] = e + k < perSample ? bytes[at] : 0;
        }
      }
      float eps[4];
      normals(philox(key, make_uint4((unsigned)block, (unsigned)n, now, (unsigned)purpose)), eps);
      float x[4];
      float y[4];
#pragma unroll
      for (int k = 0; k < 4; k++) {
        float x0 = valueOf(p[k]);
        x[k] = signal * x0 + noise * eps[k];
        y[k] = image * x0 + imageNoise * eps[k];
      }
      if (vector) {
        store(xtn + e, x);
        store(targetn + e, y);
      } else {
#pragma unroll
        for (int k = 0; k < 4; k++) {
          if (e + k < perSample) {
            xtn[e + k] = x[k];
            targetn[e + k] = y[k];
          }
        }
      }
    });
  });
}

// Within [-1, 1]; a NaN stays one.
__device__ __forceinline__ float clamped(float x) {
  return x < -1.0f ? -1.0f : x > 1.0f ? 1.0f : x;
}

// x0 = imageOfState state + imageOfPrediction predicted, clamped where clampImage; state =
// stateWeight state + imageWeight x0 + noiseWeight z, clamped where clampState. predicted, state:
// [samples, perSample].
// vector: four elements are one aligned access.
template <typename P>
__device__ __forceinline__ void samplerStep(float imageOfState, float imageOfPrediction,
                                            int clampImage, float stateWeight, float imageWeight,
                                            float noiseWeight, int clampState, uint64 key, int purpose,
                                            const int* step, int firstSample, const P* predicted,
                                            float* state, int samples, int64 perSample,
                                            int vector) {
  unsigned now = (unsigned)step[0];
  forEach<1>(samples, 0, (perSample + 3) / 4, [&](int64 n, int64 block) {
    int64 from = n * perSample + block * 4;
    int count = perSample - block * 4 < 4 ? (int)(perSample - block * 4) : 4;
    float x[4];
    float answer[4];
    float z[4];
    if (vector) {
      load(state + from, x);
      load(predicted + from, answer);
    } else {
#pragma unroll
      for (int k = 0; k < 4; k++) {
        x[k] = k < count ? state[from + k] : 0.0f;
        answer[k] = k < count ? toFloat(predicted[from + k]) : 0.0f;
      }
    }
    if (noiseWeight != 0.0f) {
      unsigned sample = (unsigned)firstSample + (unsigned)n;
      normals(philox(key, make_uint4((unsigned)block, sample, now, (unsigned)purpose)), z);
    }
#pragma unroll
    for (int k = 0; k < 4; k++) {
      float image = imageOfState * x[k] + imageOfPrediction * answer[k];
      image = clampImage ? clamped(image) : image;
      x[k] = stateWeight * x[k] + imageWeight * image;
      if (noiseWeight != 0.0f) {
        x[k] += noiseWeight * z[k];
      }
      x[k] = clampState ? clamped(x[k]) : x[k];
    }
    if (vector) {
      store(state + from, x);
    } else {
#pragma unroll
      for (int k = 0; k < 4; k++) {
        if (k < count) {
          state[from + k] = x[k];
        }
      }
    }
  });
}

#define SAMPLER_STEP(p_, P)                                                                       \
  extern "C" __global__ void samplerStep_##p_(                                                    \
      float imageOfState, float imageOfPrediction, int clampImage, float stateWeight,             \
      float imageWeight, float noiseWeight, int clampState, uint64 key, int purpose,              \
      const int* step, int firstSample, const P* predicted, float* state, int samples,            \
      int64 perSample, int vector) {                                                              \
    samplerStep(imageOfState, imageOfPrediction, clampImage, stateWeight, imageWeight,            \
                noiseWeight, clampState, key, purpose, step, firstSample, predicted, state,       \
                samples, perSample, vector);                                                      \
  }
FOR_EACH_TYPE(SAMPLER_STEP)
