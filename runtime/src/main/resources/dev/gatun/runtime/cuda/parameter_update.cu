// Updates over flat fp32 ranges of n numbers: CudaParameterUpdate.
//
// In the processor's order of operations, and with its roundings: an update that is split or fused
// otherwise gives the same weights.
// nvrtc options: --fmad=false
#include "common.cuh"

// scale[0] = min(1, maxNorm / (sqrt(sumOfSquares[0]) + 1e-6)); a NaN stays one. One thread.
extern "C" __global__ void clipScale(const float* sumOfSquares, float maxNorm, float* scale) {
  double factor = maxNorm / (sqrt((double)sumOfSquares[0]) + 1e-6);
  scale[0] = factor > 1.0 ? 1.0f : (float)factor;
}

// base^exponent by squaring, exponent 1 or more.
__device__ __forceinline__ double power(double base, int exponent) {
  double result = 1.0;
  for (int rest = exponent; rest > 0; rest >>= 1) {
    if (rest & 1) {
      result *= base;
    }
    base *= base;
  }
  return result;
}

// The factors of a step that all elements share.
struct AdamStep {
  float beta1;
  float beta2;
  float epsilon;
  float decay;          // 1 - lr * weightDecay
  float stepSize;       // lr / (1 - beta1^t)
  float rootCorrection; // 1 / sqrt(1 - beta2^t)
  float gradientScale;
};

// For every thread of the block; the powers in double precision are one thread's work.
__device__ __forceinline__ AdamStep adamStep(float beta1, float beta2, float epsilon,
                                             float weightDecay, const float* learningRate,
                                             const int* step, const float* gradientScale) {
  __shared__ float corrections[2];
  if (threadIdx.x == 0) {
    int t = step[0];
    corrections[0] = (float)(learningRate[0] / (1.0 - power(beta1, t)));
    corrections[1] = (float)(1.0 / sqrt(1.0 - power(beta2, t)));
  }
  __syncthreads();
  return {beta1,          beta2,          epsilon,         1.0f - learningRate[0] * weightDecay,
          corrections[0], corrections[1], gradientScale[0]};
}

// One number's AdamW: p, m and v move.
__device__ __forceinline__ void moveByAdamW(const AdamStep& s, float gradient, float& p,
                                            float& m, float& v) {
  float g = gradient * s.gradientScale;
  m = m * s.beta1 + g * (1.0f - s.beta1);
  v = v * s.beta2 + g * g * (1.0f - s.beta2);
  float update = m / (__fsqrt_rn(v) * s.rootCorrection + s.epsilon);
  p = fmaf(update, -s.stepSize, p * s.decay);
}

// The average's next value.
__device__ __forceinline__ float moved(float average, float decay, float p) {
  return average * decay + p * (1.0f - decay);
}

// Moves the numbers from .. to - 1 of the ranges; where average is not null, that, and where rounded is
// not null what it keeps of them.
template <int V>
__device__ __forceinline__ void moveAllByAdamW(const AdamStep& s, float decay,
                                               const float* gradient, float* parameter,
                                               float* firstMoment, float* secondMoment,
                                               float* average, bf16* rounded, int64 from,
                                               int64 to) {
  forEach<V>(1, from, to, [&](int64, int64 i) {
    float g[V];
    float p[V];
    float m[V];
    float v[V];
    float a[V];
    load(gradient + i, g);
    load(parameter + i, p);
    load(firstMoment + i, m);
    load(secondMoment + i, v);
    if (average != nullptr) {
      load(average + i, a);
    }
#pragma unroll
    for (int k = 0; k < V; k++) {
      moveByAdamW(s, g[k], p[k], m[k], v[k]);
    }
    store(parameter + i, p);
    store(firstMoment + i, m);
    store(secondMoment + i, v);
    if (average != nullptr) {
#pragma unroll
      for (int k = 0; k < V; k++) {
        a[k] = moved(a[k], decay, p[k]);
      }
      store(average + i, a);
    }
    if (rounded != nullptr) {
      store(rounded + i, p);
    }
  });
}

// Adam with decoupled weight decay, and average = decay[0] * average + (1 - decay[0]) * what it leaves;
// numbers below `vectors` four at a time. decay and average may be null, and so may rounded.
extern "C" __global__ void adamW(float beta1, float beta2, float epsilon, float weightDecay,
                                 const float* learningRate, const int* step,
                                 const float* gradientScale, const float* decay,
                                 const float* gradient, float* parameter, float* firstMoment,
                                 float* secondMoment, float* average, bf16* rounded, int64 n,
                                 int64 vectors) {
  AdamStep s = adamStep(beta1, beta2, epsilon, weightDecay, learningRate, step, gradientScale);
  float keep = average != nullptr ? decay[0] : 0.0f;
  moveAllByAdamW<4>(s, keep, gradient, parameter, firstMoment, secondMoment, average, rounded, 0,
                    vectors);
  moveAllByAdamW<1>(s, keep, gradient, parameter, firstMoment, secondMoment, average, rounded,
                    vectors, n);
}

template <int V>
__device__ __forceinline__ void moveAverage(float decay, const float* parameter, float* average,
                                            int64 from, int64 to) {
  forEach<V>(1, from, to, [&](int64, int64 i) {
    float p[V];
    float a[V];
    load(parameter + i, p);
    load(average + i, a);
#pragma unroll
    for (int k = 0; k < V; k++) {
      a[k] = moved(a[k], decay, p[k]);
    }
    store(average + i, a);
  });
}

// average = decay[0] * average + (1 - decay[0]) * parameter.
extern "C" __global__ void movingAverage(const float* decay, const float* parameter,
                                         float* average, int64 n, int64 vectors) {
  moveAverage<4>(decay[0], parameter, average, 0, vectors);
  moveAverage<1>(decay[0], parameter, average, vectors, n);
}
