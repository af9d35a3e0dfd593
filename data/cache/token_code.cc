#include "data/cache/token_code.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "core/base/error.h"
#include "data/cache/layered_codec.h"
#include "data/cache/vectorised.h"

namespace permafrost::data {
namespace {

// Tried around the scale at which the components spread as in the sample, in eighths of an octave.
constexpr std::array kTried = {-5, -2, 0, 3, 7, 14};

// Sums run in eight lanes of their own, so that a vector unit and a scalar one add in the same order.
constexpr int64_t kLanes = 8;

float sum_of(const float* lanes) {
  float sum = 0;
  for (int64_t i = 0; i < kLanes; ++i) sum += lanes[i];
  return sum;
}

// visit(i, lane) for i = 0 .. count-1, in blocks of all lanes.
template <class Visit>
[[gnu::always_inline]] inline void for_each_lane(int64_t count, const Visit& visit) {
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (int64_t lane = 0; lane < kLanes; ++lane) visit(i + lane, lane);
  }
  for (; i < count; ++i) visit(i, i % kLanes);
}

PERMAFROST_VECTORISED void add_squares(const float* values, const float* inverse_steps, int64_t count, float* lanes) {
  for_each_lane(count, [&](int64_t i, int64_t lane) {
    const float ratio = values[i] * inverse_steps[i];
    lanes[lane] += ratio * ratio;
  });
}

// codes = round(values / (step * scale)); adds the squared errors.
PERMAFROST_VECTORISED void quantise(const float* values, const float* steps, const float* inverse_steps, int64_t count,
                                    float scale, float largest, float* codes, float* lanes) {
  const float inverse_scale = 1.0f / scale;
  for_each_lane(count, [&](int64_t i, int64_t lane) {
    const float ratio = std::nearbyintf(values[i] * (inverse_steps[i] * inverse_scale));
    const float code = std::min(std::max(ratio, -largest), largest);
    const float error = values[i] - code * (steps[i] * scale);
    codes[i] = code;
    lanes[lane] += error * error;
  });
}

PERMAFROST_VECTORISED void pack_eights(const float* codes, int64_t count, uint8_t* to) {
  for (int64_t i = 0; i < count; ++i) to[i] = static_cast<uint8_t>(static_cast<int8_t>(codes[i]));
}

PERMAFROST_VECTORISED void pack_fours(const float* codes, int64_t half, uint8_t* to) {
  for (int64_t i = 0; i < half; ++i) {
    const int low = static_cast<int>(codes[i]) + 8, high = static_cast<int>(codes[half + i]) + 8;
    to[i] = static_cast<uint8_t>(low | (high << 4));
  }
}

PERMAFROST_VECTORISED void unpack_eights(const uint8_t* from, const float* steps, int64_t count, float scale,
                                         float* to) {
  const auto* codes = reinterpret_cast<const int8_t*>(from);
  for (int64_t i = 0; i < count; ++i) to[i] = static_cast<float>(codes[i]) * (steps[i] * scale);
}

PERMAFROST_VECTORISED void unpack_fours(const uint8_t* from, const float* steps, int64_t half, float scale, float* to) {
  for (int64_t i = 0; i < half; ++i) to[i] = static_cast<float>((from[i] & 15) - 8) * (steps[i] * scale);
  for (int64_t i = 0; i < half; ++i) to[half + i] = static_cast<float>((from[i] >> 4) - 8) * (steps[half + i] * scale);
}

PERMAFROST_VECTORISED void add_each(const float* values, int64_t count, float* to) {
  for (int64_t i = 0; i < count; ++i) to[i] += values[i];
}

PERMAFROST_VECTORISED void subtract_each(const float* a, const float* b, const float* c, int64_t count, float* to) {
  for (int64_t i = 0; i < count; ++i) to[i] = a[i] - b[i] - c[i];
}

}  // namespace

float token_scale(uint8_t code) {
  static const std::array<float, 256> scales = [] {
    std::array<float, 256> values{};
    for (int k = 0; k < 256; ++k) values[k] = std::exp2(static_cast<float>(k - 128) / 8.0f);
    return values;
  }();
  return scales[code];
}

void add_to(const float* values, int64_t count, float* to) { add_each(values, count, to); }

void subtract(const float* a, const float* b, const float* c, int64_t count, float* to) {
  subtract_each(a, b, c, count, to);
}

uint8_t TokenCode::encode(const float* components, uint8_t* packed) const {
  const int64_t count = eights + fours;
  std::vector<float> codes(count), best(count);
  // At scale 1 a component spreads over largest / reach steps.
  float lanes8[kLanes] = {}, lanes4[kLanes] = {};
  add_squares(components, inverse_steps, eights, lanes8);
  add_squares(components + eights, inverse_steps + eights, fours, lanes4);
  const float spread8 = kReach8 / kLargest8, spread4 = kReach4 / kLargest4;
  const float square = (sum_of(lanes8) * spread8 * spread8 + sum_of(lanes4) * spread4 * spread4) /
                       static_cast<float>(std::max<int64_t>(count, 1));
  const int centre = square > 0 ? static_cast<int>(std::lround(4 * std::log2(square))) + 128 : 0;
  if (!(square < std::numeric_limits<float>::infinity()) || centre > 255) {
    throw core::DataError(
        "a token is beyond the scales of a codec that was fitted on others: use another codec, or "
        "check the encoder's weights");
  }
  float least = std::numeric_limits<float>::infinity();
  int chosen = 0;
  for (const int offset : kTried) {
    const int exponent = std::clamp(centre + offset, 0, 255);
    float lanes[kLanes] = {};
    quantise(components, steps, inverse_steps, eights, token_scale(static_cast<uint8_t>(exponent)), kLargest8,
             codes.data(), lanes);
    quantise(components + eights, steps + eights, inverse_steps + eights, fours,
             token_scale(static_cast<uint8_t>(exponent)), kLargest4, codes.data() + eights, lanes);
    if (const float error = sum_of(lanes); error < least) {
      least = error;
      chosen = exponent;
      best.swap(codes);
    }
  }
  pack_eights(best.data(), eights, packed);
  pack_fours(best.data() + eights, fours / 2, packed + eights);
  return static_cast<uint8_t>(chosen);
}

void TokenCode::decode(const uint8_t* packed, uint8_t scale, float* components) const {
  unpack_eights(packed, steps, eights, token_scale(scale), components);
  unpack_fours(packed + eights, steps + eights, fours / 2, token_scale(scale), components + eights);
}

}  // namespace permafrost::data
