// Arrays of float32 to 16-bit floats and back, on the calling thread alone, with the processor's instruction where
// there is one. Rounds to nearest, ties to even.
//
//   encode_half(values, bytes, count);   // little endian, IEEE half
//   decode_half(bytes, values, count);
#pragma once

#include <cstddef>
#include <cstdint>

namespace permafrost::data {

void encode_half(const float* values, uint8_t* bytes, size_t count);
void decode_half(const uint8_t* bytes, float* values, size_t count);

// The portable implementations, oracles of the others.
void encode_half_portable(const float* values, uint8_t* bytes, size_t count);
void decode_half_portable(const uint8_t* bytes, float* values, size_t count);

// bfloat16: the upper half of a float32, rounded. No NaN.
void encode_brain_float(const float* values, uint8_t* bytes, size_t count);
void decode_brain_float(const uint8_t* bytes, float* values, size_t count);

}  // namespace permafrost::data
