#include "data/cache/codec.h"

#include <ATen/Parallel.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <sstream>
#include <utility>

#include "core/base/error.h"
#include "core/base/parallel.h"
#include "data/cache/half_precision.h"
#include "data/cache/layered_codec.h"
#include "data/cache/scalar_codecs.h"

namespace permafrost::data {
namespace {

using Tables = std::shared_ptr<const CodecTables>;
using Maker = std::unique_ptr<Codec> (*)(const CodecSpec&, const FeatureShape&, Tables);

const std::vector<std::pair<std::string, Maker>>& makers() {
  static const std::vector<std::pair<std::string, Maker>> table = {
      {"f32", &make_f32_codec},        {"f16", &make_f16_codec}, {"bf16", &make_bf16_codec},
      {"int8", &make_int8_codec},      {"fp8", &make_fp8_codec}, {"int4", &make_layered_codec},
      {"lowrank", &make_layered_codec}};
  return table;
}

void require_storable(const float* values, int64_t count, float limit, const std::string& codec) {
  for (int64_t i = 0; i < count; ++i) {
    if (std::fabs(values[i]) <= limit) continue;  // false for NaN
    std::ostringstream text;
    text << "feature " << i << " is " << values[i];
    if (std::isfinite(values[i])) {
      text << ", beyond the " << limit << " that codec " << codec
           << " can hold: " << (codec == "f16" ? "use codec bf16" : "check the encoder's weights");
    } else {
      text << ", expected a finite number: check the encoder's weights";
    }
    throw core::DataError(text.str());
  }
}

void require_shape(const torch::Tensor& features, const std::vector<int64_t>& expected) {
  if (features.defined() && features.sizes() == torch::IntArrayRef(expected) &&
      features.scalar_type() == torch::kFloat32 && features.device().is_cpu()) {
    return;
  }
  std::ostringstream text;
  text << "features expected float32 " << torch::IntArrayRef(expected) << " on the CPU, found ";
  if (features.defined()) {
    text << features.dtype() << " " << features.sizes() << " on " << features.device();
  } else {
    text << "none";
  }
  throw core::DataError(text.str());
}

constexpr int64_t kTokensAtOnce = 32;  // of all layers: they stay in a core's cache

}  // namespace

uint64_t Codec::bytes_per_record() const {
  uint64_t bytes = 0;
  for (const Field& field : fields()) bytes += field.record_bytes();
  return bytes;
}

std::vector<uint8_t> Codec::encode(const torch::Tensor& features, const std::string& video_id) const {
  try {
    require_shape(features, {shape_.layers, shape_.frames, shape_.tokens, shape_.width});
    const torch::Tensor values = features.contiguous();  // [N, t, L, C]
    require_storable(values.const_data_ptr<float>(), shape_.values(), largest_value(), name());
    std::vector<uint8_t> bytes(bytes_per_record());
    encode_values(values.const_data_ptr<float>(), bytes.data());
    return bytes;
  } catch (const core::DataError& error) {
    throw core::DataError("video " + video_id + ": " + error.what());
  }
}

torch::Tensor Codec::decode(std::span<const uint8_t> bytes) const {
  PERMAFROST_CHECK(bytes.size() == bytes_per_record(), "codec " + name() + " was given " +
                                                           std::to_string(bytes.size()) + " bytes, expected " +
                                                           std::to_string(bytes_per_record()));
  torch::Tensor features = torch::empty({shape_.layers, shape_.frames, shape_.tokens, shape_.width}, torch::kFloat32);
  decode_tokens(bytes.data(), 0, tokens_per_layer(), features.mutable_data_ptr<float>(),
                tokens_per_layer() * shape_.width);
  return features;  // [N, t, L, C]
}

void Codec::decode_narrowed(const uint8_t* bytes, int64_t first, int64_t end, c10::BFloat16* to,
                            int64_t layer_stride) const {
  const int64_t values = (end - first) * shape_.width;  // of a layer
  const auto wide = std::make_unique_for_overwrite<float[]>(static_cast<size_t>(shape_.layers * values));
  decode_tokens(bytes, first, end, wide.get(), values);
  for (int64_t layer = 0; layer < shape_.layers; ++layer) {
    encode_brain_float(wide.get() + layer * values, reinterpret_cast<uint8_t*>(to + layer * layer_stride),
                       static_cast<size_t>(values));
  }
}

torch::Tensor Codec::decode_batch(const torch::Tensor& coded, torch::Tensor& room, torch::ScalarType type) const {
  const auto record_bytes = static_cast<int64_t>(bytes_per_record());
  PERMAFROST_CHECK(coded.dim() == 2 && coded.size(1) == record_bytes && coded.is_contiguous(),
                   "codec " + name() + " expected a batch of " + std::to_string(record_bytes) + " bytes a clip");
  PERMAFROST_CHECK(type == torch::kFloat32 || type == torch::kBFloat16, "features are decoded to fp32 or bf16");
  const int64_t clips = coded.size(0), tokens = tokens_per_layer(), width = shape_.width;
  const int64_t values = clips * shape_.values(), layer_stride = clips * tokens * width;
  if (!room.defined() || room.storage().use_count() > 1 || room.numel() < values || room.scalar_type() != type) {
    room = torch::empty({values}, type);
  }
  torch::Tensor features = room.slice(0, 0, values).view({shape_.layers, clips, shape_.frames, shape_.tokens, width});
  const auto* bytes = coded.const_data_ptr<uint8_t>();
  const int64_t blocks = (tokens + kTokensAtOnce - 1) / kTokensAtOnce;  // of each clip
  core::parallel_for_each(clips * blocks, at::get_num_threads(), [&](int64_t i) {
    if (at::get_num_threads() > 1) at::set_num_threads(1);  // of this worker's own products
    const int64_t clip = i / blocks, first = i % blocks * kTokensAtOnce, end = std::min(first + kTokensAtOnce, tokens);
    const uint8_t* const record = bytes + clip * record_bytes;
    const int64_t at = (clip * tokens + first) * width;
    if (type == torch::kFloat32) {
      decode_tokens(record, first, end, features.mutable_data_ptr<float>() + at, layer_stride);
    } else {
      decode_narrowed(record, first, end, features.mutable_data_ptr<c10::BFloat16>() + at, layer_stride);
    }
  });
  return features.transpose(0, 1);  // [b, N, t, L, C]
}

std::vector<std::string> codec_names() {
  std::vector<std::string> names;
  for (const auto& [name, maker] : makers()) names.push_back(name);
  return names;
}

std::unique_ptr<Codec> make_codec(const CodecSpec& spec, const FeatureShape& shape, Tables tables) {
  std::string names;
  for (const auto& [known, maker] : makers()) {
    if (known == spec.name) return maker(spec, shape, std::move(tables));
    names += (names.empty() ? "" : ", ") + known;
  }
  throw core::ConfigError("codec '" + spec.name + "' is not known: expected one of " + names);
}

}  // namespace permafrost::data
