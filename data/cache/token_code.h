// One token's components in 8 and 4 bits, with a scale of its own: the inner loops of the layered codecs.
//
//   const TokenCode code{.eights = 64, .fours = 960, .steps = steps, .inverse_steps = inverse};
//   const uint8_t scale = code.encode(components, packed);   // float32 [r] -> [eights + fours / 2]
//   code.decode(packed, scale, components);
//
// A code q means q * step * 2^((scale - 128) / 8). Packed: the 8-bit codes, then bytes of two 4-bit codes + 8 each: of
// component i in the low half, of component i + fours / 2 in the high one, so that both halves are read in order.
#pragma once

#include <cstdint>

namespace permafrost::data {

struct TokenCode {
  int64_t eights = 0;
  int64_t fours = 0;             // even
  const float* steps = nullptr;  // [eights + fours]
  const float* inverse_steps = nullptr;

  // Chooses the scale with the least squared error among some near the components' own spread. Throws DataError where
  // they are beyond every scale.
  uint8_t encode(const float* components, uint8_t* packed) const;
  void decode(const uint8_t* packed, uint8_t scale, float* components) const;
};

// 2^((code - 128) / 8), of the byte that encode() returns.
float token_scale(uint8_t code);

// to += values
void add_to(const float* values, int64_t count, float* to);
// to = a - b - c
void subtract(const float* a, const float* b, const float* c, int64_t count, float* to);

}  // namespace permafrost::data
