// How features become bytes. A codec is a value: whoever holds one need not know which it is.
//
//   auto codec = make_codec("int8", {.layers = 12, .frames = 8, .tokens = 197, .width = 768});
//   std::vector<uint8_t> bytes = codec->encode(features, "video 17");   // float32 [N, t, L, C]
//   torch::Tensor again = codec->decode(bytes);                         // float32 [N, t, L, C]
//
// Conversions run on the calling thread alone: the loader has threads enough, and LibTorch's own would start a team in
// each of them. Thread-safe.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "data/cache/cache_key.h"
#include "data/cache/field.h"

namespace permafrost::data {

class Codec {
 public:
  Codec(std::string name, FeatureShape shape) : name_(std::move(name)), shape_(shape) {}
  virtual ~Codec() = default;

  const std::string& name() const { return name_; }
  const FeatureShape& shape() const { return shape_; }
  // The datasets it fills, in the order of the bytes; the first is "features".
  virtual std::vector<Field> fields() const = 0;
  uint64_t bytes_per_record() const;
  // The largest |decoded - exact| that a token whose largest |value| is `token_max` may show.
  virtual double error_bound(double token_max) const = 0;

  // features float32 [N, t, L, C], on the CPU, of any strides. Throws DataError naming `video_id` for another shape or
  // type, for NaN and infinity, and for values that the codec cannot hold.
  std::vector<uint8_t> encode(const torch::Tensor& features, const std::string& video_id) const;
  // bytes of bytes_per_record() -> float32 [N, t, L, C]
  torch::Tensor decode(std::span<const uint8_t> bytes) const;

 protected:
  virtual void encode_values(const float* values, uint8_t* bytes) const = 0;
  virtual void decode_values(const uint8_t* bytes, float* values) const = 0;
  virtual float largest_value() const = 0;

 private:
  std::string name_;
  FeatureShape shape_;
};

// f16, bf16, int8.
std::vector<std::string> codec_names();

// Throws ConfigError listing the names where there is no such codec.
std::unique_ptr<Codec> make_codec(const std::string& name, const FeatureShape& shape);

}  // namespace permafrost::data
