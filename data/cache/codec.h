// How features become bytes. A codec is a value: whoever holds one need not know which it is.
//
//   auto codec = make_codec({.name = "int8"}, {.layers = 12, .frames = 8, .tokens = 197, .width = 768});
//   std::vector<uint8_t> bytes = codec->encode(features, "video 17");   // float32 [N, t, L, C]
//   torch::Tensor again = codec->decode(bytes);                         // float32 [N, t, L, C]
//   torch::Tensor batch = codec->decode_batch(coded, room);            // uint8 [b, bytes] -> float32 [b, N, t, L, C]
//
// encode() and decode() run on the calling thread alone: loaders have threads enough. decode_batch() shares its work
// among as many threads as LibTorch computes with. Thread-safe. FORMAT.md, "Codecs", says what each stores and what it
// loses.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "data/cache/codec_spec.h"
#include "data/cache/codec_tables.h"
#include "data/cache/field.h"

namespace permafrost::data {

class Codec {
 public:
  Codec(CodecSpec spec, FeatureShape shape, std::shared_ptr<const CodecTables> tables = nullptr)
      : spec_(std::move(spec)), shape_(shape), tables_(std::move(tables)) {}
  virtual ~Codec() = default;

  const std::string& name() const { return spec_.name; }
  const CodecSpec& spec() const { return spec_; }
  const FeatureShape& shape() const { return shape_; }
  const CodecTables* tables() const { return tables_.get(); }  // nullptr where it was made without
  // The datasets it fills, in the order of the bytes; the first is "features", the names of all begin so.
  virtual std::vector<Field> fields() const = 0;
  uint64_t bytes_per_record() const;

  // features float32 [N, t, L, C], on the CPU, of any strides. Throws DataError naming `video_id` for another shape or
  // type, for NaN and infinity, and for values that the codec cannot hold.
  std::vector<uint8_t> encode(const torch::Tensor& features, const std::string& video_id) const;
  // bytes of bytes_per_record() -> float32 [N, t, L, C]
  torch::Tensor decode(std::span<const uint8_t> bytes) const;
  // coded uint8 [b, bytes_per_record()] -> [b, N, t, L, C] in float32 or bfloat16, a view of [N, b, t, L, C]: layers
  // are read one by one. It lies in `room`, which is used again by the next call where nothing else holds it any more:
  // fresh pages cost as much as decoding into them.
  torch::Tensor decode_batch(const torch::Tensor& coded, torch::Tensor& room,
                             torch::ScalarType type = torch::kFloat32) const;

 protected:
  virtual void encode_values(const float* values, uint8_t* bytes) const = 0;
  // Tokens first..end-1 of the t * L of every layer; token k of layer n goes to to + n * layer_stride + (k - first) *
  // C.
  virtual void decode_tokens(const uint8_t* bytes, int64_t first, int64_t end, float* to,
                             int64_t layer_stride) const = 0;
  virtual float largest_value() const = 0;
  int64_t tokens_per_layer() const { return shape_.frames * shape_.tokens; }

 private:
  // As decode_tokens(), rounded to bfloat16.
  void decode_narrowed(const uint8_t* bytes, int64_t first, int64_t end, c10::BFloat16* to, int64_t layer_stride) const;

  CodecSpec spec_;
  FeatureShape shape_;
  std::shared_ptr<const CodecTables> tables_;
};

// f32, f16, bf16, int8, fp8, int4, lowrank.
std::vector<std::string> codec_names();

// `tables`: what CodecFitter found, for a codec that needs them; without, it still knows its fields. Throws ConfigError
// listing the names where there is no such codec, DataError where the tables are not of this spec and shape.
std::unique_ptr<Codec> make_codec(const CodecSpec& spec, const FeatureShape& shape,
                                  std::shared_ptr<const CodecTables> tables = nullptr);

}  // namespace permafrost::data
