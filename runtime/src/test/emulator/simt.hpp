// CUDA C++ for a host compiler: what a kernel's text uses, so that g++ compiles the .cu files as they
// are. Each thread of a block runs until it must wait, then another goes on: see simt.cpp.
#pragma once

#ifdef SIMT_LIST
// For the preprocessor alone, which then shows every entry point as extern "C" __global__ void name(
#define __launch_bounds__(...)
#define DYNAMIC_SHARED(Type, name)
#else

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <utility>

namespace simt {

struct Dimensions {
  unsigned x, y, z;
};

// The thread that runs now.
struct Place {
  Dimensions thread, block, blocks, threads;
};
extern Place place;

// __syncthreads: waits for all threads of the block that have not returned. Counts those whose
// predicate holds.
int blockBarrier(bool predicate);

// Gives `value` to the lanes of the mask, waits for all of them, and returns what they gave, by lane.
const uint64_t* exchange(unsigned mask, uint64_t value);

unsigned lane();
unsigned char* dynamicShared();

// Ends the launch with a message: what the kernel did cannot be meant.
[[noreturn]] void fail(const char* message);

template <typename T>
uint64_t toBits(T value) {
  static_assert(sizeof(T) == 4 || sizeof(T) == 8, "shuffles take 4 or 8 bytes");
  uint64_t bits = 0;
  memcpy(&bits, &value, sizeof(T));
  return bits;
}

template <typename T>
T fromLane(unsigned mask, const uint64_t* values, int source) {
  if ((mask >> source & 1) == 0) {
    fail("a shuffle reads a lane that its mask does not name");
  }
  T value;
  memcpy(&value, &values[source], sizeof(T));
  return value;
}

using Invoker = void (*)(void** arguments);

struct Kernel {
  const char* name;
  Invoker invoke;
  unsigned parameters;
  const unsigned* sizes;
};

struct Registration {
  explicit Registration(const Kernel& kernel);
};

template <typename... A>
struct Signature {
  static constexpr unsigned sizes[sizeof...(A) + 1] = {(unsigned)sizeof(A)..., 0};

  template <void (*Entry)(A...), size_t... I>
  static void unpack(void** arguments, std::index_sequence<I...>) {
    Entry(*static_cast<std::remove_const_t<A>*>(arguments[I])...);
  }

  template <void (*Entry)(A...)>
  static void invoke(void** arguments) {
    unpack<Entry>(arguments, std::index_sequence_for<A...>());
  }
};

template <typename... A>
Signature<A...> signatureOf(void (*)(A...));

template <auto Entry, typename... A>
Kernel kernelOf(const char* name, Signature<A...>) {
  return {name, &Signature<A...>::template invoke<Entry>, sizeof...(A), Signature<A...>::sizes};
}

} // namespace simt

#define SIMT_KERNEL(name)            \
  static simt::Registration name##_( \
      simt::kernelOf<&name>(#name, decltype(simt::signatureOf(&name))()));

// ---- the language ----

#define __device__
#define __global__
#define __host__
#define __constant__ static const
#define __forceinline__ inline
#define __noinline__ inline
#define __launch_bounds__(...)
#define __align__(n) __attribute__((aligned(n)))
// One block runs at a time, so that a block's memory may be static.
#define __shared__ static
#define DYNAMIC_SHARED(Type, name) Type* name = (Type*)simt::dynamicShared()

#define threadIdx (simt::place.thread)
#define blockIdx (simt::place.block)
#define gridDim (simt::place.blocks)
#define blockDim (simt::place.threads)
constexpr int warpSize = 32;

#define SIMT_VECTOR(Type, name)                                                          \
  struct alignas(2 * sizeof(Type)) name##2 {                                             \
    Type x, y;                                                                           \
  };                                                                                     \
  struct name##3 {                                                                       \
    Type x, y, z;                                                                        \
  };                                                                                     \
  struct alignas(sizeof(Type) == 1 ? 4 : sizeof(Type) == 2 ? 8 : 16) name##4 {           \
    Type x, y, z, w;                                                                     \
  };                                                                                     \
  inline name##2 make_##name##2(Type x, Type y) { return {x, y}; }                       \
  inline name##3 make_##name##3(Type x, Type y, Type z) { return {x, y, z}; }            \
  inline name##4 make_##name##4(Type x, Type y, Type z, Type w) { return {x, y, z, w}; }
SIMT_VECTOR(float, float)
SIMT_VECTOR(double, double)
SIMT_VECTOR(int, int)
SIMT_VECTOR(unsigned, uint)
SIMT_VECTOR(short, short)
SIMT_VECTOR(unsigned short, ushort)
SIMT_VECTOR(signed char, char)
SIMT_VECTOR(unsigned char, uchar)

// ---- threads together ----

inline void __syncthreads() { simt::blockBarrier(false); }
inline int __syncthreads_count(int predicate) { return simt::blockBarrier(predicate != 0); }
inline int __syncthreads_or(int predicate) { return simt::blockBarrier(predicate != 0) > 0; }
inline int __syncthreads_and(int predicate) { return simt::blockBarrier(predicate == 0) == 0; }
inline void __syncwarp(unsigned mask = 0xFFFFFFFFu) { simt::exchange(mask, 0); }
inline void __threadfence() {}
inline void __threadfence_block() {}

template <typename T>
T __shfl_sync(unsigned mask, T value, int source, int width = 32) {
  const uint64_t* values = simt::exchange(mask, simt::toBits(value));
  int first = simt::lane() & ~(width - 1);
  return simt::fromLane<T>(mask, values, first + (source & (width - 1)));
}

template <typename T>
T __shfl_xor_sync(unsigned mask, T value, int lanes, int width = 32) {
  const uint64_t* values = simt::exchange(mask, simt::toBits(value));
  int source = (int)simt::lane() ^ lanes;
  // Beyond the segment a lane keeps its own.
  bool within = source < (int)((simt::lane() & ~(width - 1)) + width);
  return within ? simt::fromLane<T>(mask, values, source) : value;
}

template <typename T>
T __shfl_down_sync(unsigned mask, T value, unsigned lanes, int width = 32) {
  const uint64_t* values = simt::exchange(mask, simt::toBits(value));
  unsigned within = simt::lane() & (width - 1);
  return within + lanes < (unsigned)width ? simt::fromLane<T>(mask, values, simt::lane() + lanes)
                                          : value;
}

template <typename T>
T __shfl_up_sync(unsigned mask, T value, unsigned lanes, int width = 32) {
  const uint64_t* values = simt::exchange(mask, simt::toBits(value));
  unsigned within = simt::lane() & (width - 1);
  return within >= lanes ? simt::fromLane<T>(mask, values, simt::lane() - lanes) : value;
}

inline unsigned __ballot_sync(unsigned mask, int predicate) {
  const uint64_t* values = simt::exchange(mask, predicate != 0);
  unsigned ballot = 0;
  for (int lane = 0; lane < 32; lane++) {
    ballot |= (mask >> lane & 1) != 0 && values[lane] != 0 ? 1u << lane : 0u;
  }
  return ballot;
}

inline int __any_sync(unsigned mask, int predicate) { return __ballot_sync(mask, predicate) != 0; }
inline int __all_sync(unsigned mask, int predicate) { return __ballot_sync(mask, predicate) == mask; }

template <typename T>
T atomicAdd(T* address, T value) {
  T before = *address;
  *address += value;
  return before;
}

template <typename T>
T atomicMax(T* address, T value) {
  T before = *address;
  *address = before < value ? value : before;
  return before;
}

// ---- numbers ----

inline unsigned __float_as_uint(float x) { return (unsigned)simt::toBits(x); }
inline int __float_as_int(float x) { return (int)simt::toBits(x); }
inline float __uint_as_float(unsigned x) {
  float y;
  memcpy(&y, &x, 4);
  return y;
}
inline float __int_as_float(int x) { return __uint_as_float((unsigned)x); }
inline unsigned __umulhi(unsigned x, unsigned y) { return (unsigned)((uint64_t)x * y >> 32); }
inline unsigned long long __umul64hi(unsigned long long x, unsigned long long y) {
  return (unsigned long long)((unsigned __int128)x * y >> 64);
}
inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __clz(int x) { return x == 0 ? 32 : __builtin_clz((unsigned)x); }
inline int __ffs(int x) { return __builtin_ffs(x); }

inline float __fmaf_rn(float x, float y, float z) { return std::fmaf(x, y, z); }
inline float __fadd_rn(float x, float y) { return x + y; }
inline float __fsub_rn(float x, float y) { return x - y; }
inline float __fmul_rn(float x, float y) { return x * y; }
inline float __fdiv_rn(float x, float y) { return x / y; }
inline float __frcp_rn(float x) { return 1.0f / x; }
inline float __fsqrt_rn(float x) { return std::sqrt(x); }
inline float __fdividef(float x, float y) { return x / y; }
inline float __expf(float x) { return std::exp(x); }
inline float __logf(float x) { return std::log(x); }
inline float __saturatef(float x) { return x > 0.0f ? (x < 1.0f ? x : 1.0f) : 0.0f; }
inline float rsqrtf(float x) { return 1.0f / std::sqrt(x); }
inline double rsqrt(double x) { return 1.0 / std::sqrt(x); }
inline float normcdff(float x) { return 0.5f * std::erfc(x * -0.70710678118654752f); }
inline int __float2int_rn(float x) { return (int)std::nearbyint(x); }
inline int __float2int_rd(float x) { return (int)std::floor(x); }
inline float __int2float_rn(int x) { return (float)x; }

template <typename T>
T __ldg(const T* address) {
  return *address;
}

#define SIMT_MIN_MAX(Type)                                   \
  inline Type min(Type x, Type y) { return y < x ? y : x; } \
  inline Type max(Type x, Type y) { return x < y ? y : x; }
SIMT_MIN_MAX(int)
SIMT_MIN_MAX(unsigned)
SIMT_MIN_MAX(long)
SIMT_MIN_MAX(unsigned long)
SIMT_MIN_MAX(long long)
SIMT_MIN_MAX(unsigned long long)
inline float min(float x, float y) { return std::fmin(x, y); }
inline float max(float x, float y) { return std::fmax(x, y); }
inline double min(double x, double y) { return std::fmin(x, y); }
inline double max(double x, double y) { return std::fmax(x, y); }

#endif
