// The number formats of the emulated libraries, read from and written to memory.
#pragma once

#include <cstdint>
#include <cstring>

namespace emulator {

enum class Format { FLOAT32, BFLOAT16 };

inline int bytesOf(Format format) { return format == Format::FLOAT32 ? 4 : 2; }

inline uint32_t bitsOf(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

inline float floatOf(uint32_t bits) {
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

// x rounded to nearest even to its upper `kept` bits; a NaN stays one.
inline float roundedTo(int kept, float x) {
  if (x != x) {
    return x;
  }
  uint32_t bits = bitsOf(x);
  int dropped = 32 - kept;
  uint32_t half = (1u << (dropped - 1)) - 1;
  bits += half + ((bits >> dropped) & 1);
  return floatOf(bits >> dropped << dropped);
}

inline float roundedTo(Format format, float x) {
  return format == Format::FLOAT32 ? x : roundedTo(16, x);
}

// What tensor cores see of an fp32 operand: 8 bits of exponent, 10 of fraction.
inline float tensorFloat(float x) { return roundedTo(19, x); }

inline float read(Format format, const void* memory, int64_t index) {
  if (format == Format::FLOAT32) {
    return static_cast<const float*>(memory)[index];
  }
  return floatOf((uint32_t)static_cast<const uint16_t*>(memory)[index] << 16);
}

inline void write(Format format, void* memory, int64_t index, float x) {
  if (format == Format::FLOAT32) {
    static_cast<float*>(memory)[index] = x;
  } else {
    static_cast<uint16_t*>(memory)[index] = (uint16_t)(bitsOf(roundedTo(16, x)) >> 16);
  }
}

} // namespace emulator
