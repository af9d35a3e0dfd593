#include "data/cache/half_precision.h"

#include <c10/util/Half.h>

#include <bit>
#include <cstring>

#include "data/cache/vectorised.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

static_assert(std::endian::native == std::endian::little, "shards are little endian and are read as they lie");

namespace permafrost::data {
namespace {

#if defined(__x86_64__)
bool has_f16c() {
  static const bool has =
      __builtin_cpu_supports("avx2");  // every processor with AVX2 has F16C; clang knows no name for that
  return has;
}

__attribute__((target("avx,f16c"))) size_t encode_half_f16c(const float* values, uint8_t* bytes, size_t count) {
  size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    const __m128i half = _mm256_cvtps_ph(_mm256_loadu_ps(values + i), _MM_FROUND_TO_NEAREST_INT);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(bytes + 2 * i), half);
  }
  return i;
}

__attribute__((target("avx,f16c"))) size_t decode_half_f16c(const uint8_t* bytes, float* values, size_t count) {
  size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    const __m128i half = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes + 2 * i));
    _mm256_storeu_ps(values + i, _mm256_cvtph_ps(half));
  }
  return i;
}
#endif

PERMAFROST_VECTORISED void narrow(const float* values, uint8_t* bytes, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    const auto bits = std::bit_cast<uint32_t>(values[i]);
    const auto upper = static_cast<uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
    std::memcpy(bytes + 2 * i, &upper, 2);
  }
}

PERMAFROST_VECTORISED void widen(const uint8_t* bytes, float* values, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    uint16_t upper;
    std::memcpy(&upper, bytes + 2 * i, 2);
    values[i] = std::bit_cast<float>(static_cast<uint32_t>(upper) << 16);
  }
}

}  // namespace

void encode_half(const float* values, uint8_t* bytes, size_t count) {
  size_t done = 0;
#if defined(__x86_64__)
  if (has_f16c()) done = encode_half_f16c(values, bytes, count);
#endif
  encode_half_portable(values + done, bytes + 2 * done, count - done);
}

void decode_half(const uint8_t* bytes, float* values, size_t count) {
  size_t done = 0;
#if defined(__x86_64__)
  if (has_f16c()) done = decode_half_f16c(bytes, values, count);
#endif
  decode_half_portable(bytes + 2 * done, values + done, count - done);
}

void encode_half_portable(const float* values, uint8_t* bytes, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    const uint16_t half = c10::detail::fp16_ieee_from_fp32_value(values[i]);
    std::memcpy(bytes + 2 * i, &half, 2);
  }
}

void decode_half_portable(const uint8_t* bytes, float* values, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    uint16_t half;
    std::memcpy(&half, bytes + 2 * i, 2);
    values[i] = c10::detail::fp16_ieee_to_fp32_value(half);
  }
}

void encode_brain_float(const float* values, uint8_t* bytes, size_t count) { narrow(values, bytes, count); }
void decode_brain_float(const uint8_t* bytes, float* values, size_t count) { widen(bytes, values, count); }

}  // namespace permafrost::data
