// Random numbers with the bits of dev.gatun.runtime.random.
//
// A multiplication and an addition that were contracted to one rounding would be other numbers than
// the processor's: files that include this are compiled with --fmad=false, and fuse only where fmaf
// is written.
#pragma once

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
