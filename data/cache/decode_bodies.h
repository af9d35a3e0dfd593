// What one thread of a decoding kernel does, of each family of codecs: the arithmetic of Codec::decode(), in its order.
// Plain structs of numbers and pointers, so that a GPU runs them as kernels and a test runs them on the CPU.
//
//   ScaleTokens body{...};
//   for (row in 0..body.rows()) for (column in 0..body.columns()) body(row, column);   // in any order, or at once
//
// FORMAT.md, "Codecs", says what they read. Records are packed: a value may lie at any address.
#pragma once

#include <torch/headeronly/util/BFloat16.h>
#include <torch/headeronly/util/Half.h>

#include <cstdint>
#include <cstring>

namespace permafrost::data {

template <class Value>
C10_HOST_DEVICE Value load_unaligned(const uint8_t* at) {
  Value value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

// Of a batch: coded [b, record_bytes] -> to [N, b, t * L, C].
struct BatchPointers {
  const uint8_t* coded;
  float* to;
  int64_t record_bytes;
  uint32_t layers, clips, tokens, width;  // tokens: t * L of a layer

  // A row is a token of a clip in a layer.
  C10_HOST_DEVICE uint32_t rows() const { return layers * clips * tokens; }
  C10_HOST_DEVICE const uint8_t* record(uint32_t row) const {
    return coded + int64_t{row / tokens % clips} * record_bytes;
  }
  C10_HOST_DEVICE uint32_t layer(uint32_t row) const { return row / (clips * tokens); }
  // Which of its record's tokens it is.
  C10_HOST_DEVICE int64_t token(uint32_t row) const { return int64_t{layer(row)} * tokens + row % tokens; }
  C10_HOST_DEVICE float& value(uint32_t row, uint32_t channel) const { return to[int64_t{row} * width + channel]; }
};

enum class StoredFloat { kFloat, kHalf, kBrainFloat };

// f32, f16, bf16.
struct ConvertTokens {
  BatchPointers batch;
  StoredFloat type;

  C10_HOST_DEVICE uint32_t rows() const { return batch.rows(); }
  C10_HOST_DEVICE uint32_t columns() const { return batch.width; }
  C10_HOST_DEVICE void operator()(uint32_t row, uint32_t channel) const {
    const uint8_t* from = batch.record(row);
    const int64_t at = batch.token(row) * batch.width + channel;
    float& to = batch.value(row, channel);
    if (type == StoredFloat::kFloat) to = load_unaligned<float>(from + 4 * at);
    if (type == StoredFloat::kHalf) to = c10::detail::fp16_ieee_to_fp32_value(load_unaligned<uint16_t>(from + 2 * at));
    if (type == StoredFloat::kBrainFloat) to = c10::detail::f32_from_bits(load_unaligned<uint16_t>(from + 2 * at));
  }
};

// int8, fp8: a byte a value, a float32 scale for each token, and outliers as they were.
struct ScaleTokens {
  BatchPointers batch;
  const float* code_values;   // [256]
  const int32_t* outlier_of;  // [N, C]: which of the layer's outliers a channel is, or -1
  int64_t outliers;

  C10_HOST_DEVICE uint32_t rows() const { return batch.rows(); }
  C10_HOST_DEVICE uint32_t columns() const { return batch.width; }
  C10_HOST_DEVICE void operator()(uint32_t row, uint32_t channel) const {
    const uint8_t* codes = batch.record(row);
    const int64_t token = batch.token(row), tokens = int64_t{batch.layers} * batch.tokens;
    const uint8_t* scales = codes + tokens * batch.width;
    const uint8_t* exact = scales + 4 * tokens;
    const int32_t outlier = outlier_of[int64_t{batch.layer(row)} * batch.width + channel];
    batch.value(row, channel) =
        outlier >= 0 ? load_unaligned<float>(exact + 4 * (token * outliers + outlier))
                     : code_values[codes[token * batch.width + channel]] * load_unaligned<float>(scales + 4 * token);
  }
};

// What int4 and lowrank share: a record's codes, a byte of scale for each token, and outliers as they were.
struct PackedTokens {
  BatchPointers batch;
  const float* steps;         // [N, eights + fours]
  const float* scale_values;  // [256]
  int64_t eights, fours, outliers;

  C10_HOST_DEVICE int64_t components() const { return eights + fours; }
  C10_HOST_DEVICE int64_t packed_bytes() const { return eights + fours / 2; }
  C10_HOST_DEVICE int64_t all_tokens() const { return int64_t{batch.layers} * batch.tokens; }
  C10_HOST_DEVICE const uint8_t* record(uint32_t clip) const {
    return batch.coded + int64_t{clip} * batch.record_bytes;
  }
  // Of token k of a layer.
  C10_HOST_DEVICE float component(uint32_t clip, uint32_t layer, uint32_t k, int64_t i) const {
    const int64_t token = int64_t{layer} * batch.tokens + k, half = fours / 2;
    const uint8_t* codes = record(clip) + token * packed_bytes();
    const uint8_t scale = record(clip)[all_tokens() * packed_bytes() + token];
    int code;
    if (i < eights) {
      code = static_cast<int8_t>(codes[i]);
    } else if (i < eights + half) {
      code = (codes[i] & 15) - 8;
    } else {
      code = (codes[i - half] >> 4) - 8;
    }
    return static_cast<float>(code) * (steps[layer * components() + i] * scale_values[scale]);
  }
  C10_HOST_DEVICE float outlier(uint32_t clip, uint32_t layer, uint32_t k, int64_t i) const {
    const int64_t token = int64_t{layer} * batch.tokens + k;
    return load_unaligned<float>(record(clip) + all_tokens() * (packed_bytes() + 1) + 4 * (token * outliers + i));
  }
};

// int4. A thread goes through the layers of its channel: each is a difference to what the one before has become.
struct AddDifferences {
  PackedTokens packed;
  const float* mean;            // [N, C]
  const int32_t* component_of;  // [N, C]: which component a channel is, or -1
  const int32_t* outlier_of;    // [N, C]: which outlier, or -1

  C10_HOST_DEVICE uint32_t rows() const { return packed.batch.clips * packed.batch.tokens; }
  C10_HOST_DEVICE uint32_t columns() const { return packed.batch.width; }
  C10_HOST_DEVICE void operator()(uint32_t row, uint32_t channel) const {
    const uint32_t clip = row / packed.batch.tokens, k = row % packed.batch.tokens;
    float value = 0;
    for (uint32_t layer = 0; layer < packed.batch.layers; ++layer) {
      const int64_t at = int64_t{layer} * packed.batch.width + channel;
      value += mean[at];
      if (component_of[at] >= 0) value += packed.component(clip, layer, k, component_of[at]);
      if (outlier_of[at] >= 0) value = packed.outlier(clip, layer, k, outlier_of[at]);
      packed.batch.value(layer * rows() + row, channel) = value;
    }
  }
};

// lowrank, of one layer: the components, which a matrix product turns into channels.
struct UnpackComponents {
  PackedTokens packed;
  uint32_t layer;
  float* components;  // [b * t * L, r]

  C10_HOST_DEVICE uint32_t rows() const { return packed.batch.clips * packed.batch.tokens; }
  C10_HOST_DEVICE uint32_t columns() const { return static_cast<uint32_t>(packed.components()); }
  C10_HOST_DEVICE void operator()(uint32_t row, uint32_t i) const {
    components[int64_t{row} * columns() + i] =
        packed.component(row / packed.batch.tokens, layer, row % packed.batch.tokens, i);
  }
};

// lowrank, of one layer, after the product.
struct SetOutliers {
  PackedTokens packed;
  uint32_t layer;
  const int32_t* channels;  // [k] of the layer

  C10_HOST_DEVICE uint32_t rows() const { return packed.batch.clips * packed.batch.tokens; }
  C10_HOST_DEVICE uint32_t columns() const { return static_cast<uint32_t>(packed.outliers); }
  C10_HOST_DEVICE void operator()(uint32_t row, uint32_t i) const {
    packed.batch.value(layer * rows() + row, channels[i]) =
        packed.outlier(row / packed.batch.tokens, layer, row % packed.batch.tokens, i);
  }
};

}  // namespace permafrost::data
