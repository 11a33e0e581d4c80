// Rows of channels of either dtype, and how the threads of a block go down them: see RowParts.
#pragma once
#include "common.cuh"

// FLOAT32 or BFLOAT16, which is known when the kernel runs.
struct Either {};

// Rows of elements of type T.
template <typename T>
struct Operand {
  typedef T Staged; // the type in shared memory
  T* data;
  int64 stride;

  __device__ __forceinline__ Operand(const void* data, int64 stride, int low)
      : data((T*)data), stride(stride) {}

  template <int V>
  __device__ __forceinline__ void get(int64 row, int channel, float (&v)[V]) const {
    load(data + row * stride + channel, v);
  }

  template <int V>
  __device__ __forceinline__ void put(int64 row, int channel, const float (&v)[V]) const {
    store(data + row * stride + channel, v);
  }

  // Begins to copy V elements to shared memory; arrived() waits for all that this thread began.
  template <int V>
  __device__ __forceinline__ void stage(int64 row, int channel, T* to) const {
    const T* from = data + row * stride + channel;
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
    if constexpr (V * sizeof(T) % 16 == 0) {
#pragma unroll
      for (int i = 0; i < V; i += 16 / (int)sizeof(T)) {
        asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(
                         (unsigned)__cvta_generic_to_shared(to + i)),
                     "l"(from + i)
                     : "memory");
      }
      return;
    }
#endif
    float v[V];
    load(from, v);
    store(to, v);
  }
};

template <>
struct Operand<Either> {
  typedef float Staged;
  void* data;
  int64 stride;
  int low;

  __device__ __forceinline__ Operand(const void* data, int64 stride, int low)
      : data((void*)data), stride(stride), low(low) {}

  template <int V>
  __device__ __forceinline__ void get(int64 row, int channel, float (&v)[V]) const {
    int64 at = row * stride + channel;
    if (low) {
      load((const bf16*)data + at, v);
    } else {
      load((const float*)data + at, v);
    }
  }

  template <int V>
  __device__ __forceinline__ void put(int64 row, int channel, const float (&v)[V]) const {
    int64 at = row * stride + channel;
    if (low) {
      store((bf16*)data + at, v);
    } else {
      store((float*)data + at, v);
    }
  }

  template <int V>
  __device__ __forceinline__ void stage(int64 row, int channel, float* to) const {
    float v[V];
    get(row, channel, v);
    store(to, v);
  }
};

__device__ __forceinline__ void arrived() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  asm volatile("cp.async.wait_all;" ::: "memory");
#endif
}

// Makes a batch of the copies that this thread began since its last one.
__device__ __forceinline__ void endBatch() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}

// Waits for all of this thread's batches but the last N.
template <int N>
__device__ __forceinline__ void arrivedBut() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  asm volatile("cp.async.wait_group %0;" ::"n"(N) : "memory");
#endif
}

// One element of each of V neighbouring channels, at any alignment.
template <int V>
__device__ __forceinline__ void getEach(Operand<Either> x, int64 row, int channel, float (&v)[V]) {
#pragma unroll
  for (int i = 0; i < V; i++) {
    float one[1];
    x.get(row, channel + i, one);
    v[i] = one[0];
  }
}

// A block's threads lie in rows of 2^laneBits, of which the first width / V have V channels each.
template <int V>
struct Lane {
  int channel; // within the block's
  int row;
  int rows;    // from one row of this thread to its next
  int slot;    // of the block's partial sums, see sumRows
  bool works;

  __device__ __forceinline__ Lane(int width, int laneBits) {
    channel = (int)(threadIdx.x & ((1u << laneBits) - 1)) * V;
    row = (int)(threadIdx.x >> laneBits);
    rows = (int)(blockDim.x >> laneBits);
    slot = (int)(threadIdx.x >> (laneBits < 5 ? 5 : laneBits));
    works = channel < width;
  }
};

// The part of [N, pixels, C] that a block takes: `partRows` rows of a sample, and at most `tile`
// channels. Blocks in order of samples, parts, tiles of channels.
struct Part {
  int n;
  int64 row; // the first, within the sample
  int64 end; // the last + 1
  int64 index; // n * parts + part
  int channel;
  int width;

  __device__ __forceinline__ Part(int64 pixels, int channels, int tile, int parts, int64 partRows) {
    // 32-bit divisions: those of 64 bits are subroutines.
    unsigned tiles = (unsigned)((channels + tile - 1) / tile);
    unsigned of = blockIdx.x / tiles;
    channel = (int)(blockIdx.x - of * tiles) * tile;
    width = min(tile, channels - channel);
    n = (int)(of / (unsigned)parts);
    index = of;
    row = (int64)(of - (unsigned)n * (unsigned)parts) * partRows;
    end = min(row + partRows, pixels);
  }
};

// How many of its next rows a thread has on their way to shared memory: see forEachRow. RowParts has
// the same number.
constexpr int ROWS_AHEAD = 4;

// Calls body(row, slot) for each row of the part that is this thread's, in order; begin(row, slot) has
// been called ROWS_AHEAD rows earlier, and what it began to copy has arrived. So memory is kept busy by
// as few threads as the registers allow. A thread waits for no other.
template <int V, typename Begin, typename Body>
__device__ __forceinline__ void forEachRow(Part part, Lane<V> lane, Begin begin, Body body) {
  if (!lane.works) {
    return;
  }
  int64 next = part.row + lane.row;
#pragma unroll
  for (int slot = 0; slot < ROWS_AHEAD; slot++) {
    if (next < part.end) {
      begin(next, slot);
    }
    endBatch();
    next += lane.rows;
  }
  int slot = 0;
#pragma unroll 1
  for (int64 row = part.row + lane.row; row < part.end; row += lane.rows) {
    arrivedBut<ROWS_AHEAD - 1>();
    body(row, slot);
    if (next < part.end) {
      begin(next, slot);
    }
    endBatch();
    next += lane.rows;
    slot = (slot + 1) % ROWS_AHEAD;
  }
}

// V elements of this thread in each of ROWS_AHEAD slots of shared memory.
template <typename T, int V>
struct Slots {
  T* own;

  // `taken` bytes of the shared memory are others'.
  __device__ __forceinline__ Slots(unsigned char* shared, int taken)
      : own((T*)(shared + taken) + threadIdx.x * V) {}

  __device__ __forceinline__ T* operator[](int slot) const {
    return own + slot * (int)blockDim.x * V;
  }

  static __device__ __forceinline__ int bytes() {
    return ROWS_AHEAD * (int)blockDim.x * V * (int)sizeof(T);
  }
};
