#include "data/cache/codec.h"

#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <sstream>
#include <utility>

#include "core/base/error.h"
#include "data/cache/half_precision.h"

namespace permafrost::data {
namespace {

constexpr char kAxes[] = "layer, frame, token, channel";
constexpr char kMeaning[] = "residual stream of the frozen encoder after each selected layer, class token first";

Field feature_field(FieldType type, const FeatureShape& shape) {
  return {.name = "features",
          .type = type,
          .shape = {shape.layers, shape.frames, shape.tokens, shape.width},
          .text_bytes = 0,
          .axes = kAxes,
          .units = type == FieldType::kInt8 ? "feature_scales of the token" : "1",
          .meaning = kMeaning};
}

class HalfCodec : public Codec {
 public:
  explicit HalfCodec(const FeatureShape& shape) : Codec("f16", shape) {}
  std::vector<Field> fields() const override { return {feature_field(FieldType::kHalf, shape())}; }
  // Half a unit in the last place, or half of the smallest subnormal.
  double error_bound(double token_max) const override { return std::max(token_max * 0x1p-11, 0x1p-25); }

 protected:
  void encode_values(const float* values, uint8_t* bytes) const override {
    encode_half(values, bytes, shape().values());
  }
  void decode_values(const uint8_t* bytes, float* values) const override {
    decode_half(bytes, values, shape().values());
  }
  float largest_value() const override { return 65504; }
};

class BrainFloatCodec : public Codec {
 public:
  explicit BrainFloatCodec(const FeatureShape& shape) : Codec("bf16", shape) {}
  std::vector<Field> fields() const override { return {feature_field(FieldType::kBrainFloat, shape())}; }
  double error_bound(double token_max) const override { return std::max(token_max * 0x1p-8, 0x1p-134); }

 protected:
  void encode_values(const float* values, uint8_t* bytes) const override {
    encode_brain_float(values, bytes, shape().values());
  }
  void decode_values(const uint8_t* bytes, float* values) const override {
    decode_brain_float(bytes, values, shape().values());
  }
  float largest_value() const override { return 0x1.fep127f; }
};

// A scale per token, because a few tokens are a hundred times larger than the others.
class Int8Codec : public Codec {
 public:
  explicit Int8Codec(const FeatureShape& shape) : Codec("int8", shape) {}

  std::vector<Field> fields() const override {
    return {feature_field(FieldType::kInt8, shape()),
            {.name = "feature_scales",
             .type = FieldType::kFloat,
             .shape = {shape().layers, shape().frames, shape().tokens},
             .text_bytes = 0,
             .axes = "layer, frame, token",
             .units = "1",
             .meaning = "features = integer * scale"}};
  }
  // Half a step, and what the rounding of scale and quotient in float32 adds.
  double error_bound(double token_max) const override { return token_max / 127 * 0.5001 + 0x1p-140; }

 protected:
  void encode_values(const float* values, uint8_t* bytes) const override {
    uint8_t* scales = bytes + shape().values();
    for (int64_t token = 0; token < tokens(); ++token, values += shape().width, bytes += shape().width) {
      float largest = 0;
      for (int64_t i = 0; i < shape().width; ++i) largest = std::max(largest, std::fabs(values[i]));
      const float scale = largest / 127;
      std::memcpy(scales + 4 * token, &scale, 4);
      for (int64_t i = 0; i < shape().width; ++i) {
        const float steps = scale > 0 ? std::nearbyint(values[i] / scale) : 0.0f;
        bytes[i] = static_cast<uint8_t>(static_cast<int8_t>(std::clamp(steps, -127.0f, 127.0f)));
      }
    }
  }
  void decode_values(const uint8_t* bytes, float* values) const override {
    const uint8_t* scales = bytes + shape().values();
    for (int64_t token = 0; token < tokens(); ++token, values += shape().width, bytes += shape().width) {
      float scale;
      std::memcpy(&scale, scales + 4 * token, 4);
      for (int64_t i = 0; i < shape().width; ++i) values[i] = static_cast<float>(static_cast<int8_t>(bytes[i])) * scale;
    }
  }
  float largest_value() const override { return 0x1p126f; }  // 127 * scale stays finite

 private:
  int64_t tokens() const { return shape().layers * shape().frames * shape().tokens; }
};

template <class C>
std::unique_ptr<Codec> make(const FeatureShape& shape) {
  return std::make_unique<C>(shape);
}

using Maker = std::unique_ptr<Codec> (*)(const FeatureShape&);

const std::vector<std::pair<std::string, Maker>>& makers() {
  static const std::vector<std::pair<std::string, Maker>> table = {
      {"f16", &make<HalfCodec>}, {"bf16", &make<BrainFloatCodec>}, {"int8", &make<Int8Codec>}};
  return table;
}

void require_storable(const float* values, int64_t count, float limit, const std::string& codec,
                      const std::string& video_id) {
  for (int64_t i = 0; i < count; ++i) {
    if (std::fabs(values[i]) <= limit) continue;  // false for NaN
    std::ostringstream text;
    text << "video " << video_id << ": feature " << i << " is " << values[i];
    if (std::isfinite(values[i])) {
      text << ", beyond the " << limit << " that codec " << codec
           << " can hold: " << (codec == "f16" ? "use codec bf16" : "check the encoder's weights");
    } else {
      text << ", expected a finite number: check the encoder's weights";
    }
    throw core::DataError(text.str());
  }
}

}  // namespace

uint64_t Codec::bytes_per_record() const {
  uint64_t bytes = 0;
  for (const Field& field : fields()) bytes += field.record_bytes();
  return bytes;
}

std::vector<uint8_t> Codec::encode(const torch::Tensor& features, const std::string& video_id) const {
  const std::vector<int64_t> expected = {shape_.layers, shape_.frames, shape_.tokens, shape_.width};
  if (!features.defined() || features.sizes() != torch::IntArrayRef(expected) ||
      features.scalar_type() != torch::kFloat32 || !features.device().is_cpu()) {
    std::ostringstream text;
    text << "video " << video_id << ": features expected float32 " << torch::IntArrayRef(expected)
         << " on the CPU, found ";
    if (features.defined()) {
      text << features.dtype() << " " << features.sizes() << " on " << features.device();
    } else {
      text << "none";
    }
    throw core::DataError(text.str());
  }
  const torch::Tensor values = features.contiguous();  // [N, t, L, C]
  require_storable(values.const_data_ptr<float>(), shape_.values(), largest_value(), name_, video_id);
  std::vector<uint8_t> bytes(bytes_per_record());
  encode_values(values.const_data_ptr<float>(), bytes.data());
  return bytes;
}

torch::Tensor Codec::decode(std::span<const uint8_t> bytes) const {
  PERMAFROST_CHECK(bytes.size() == bytes_per_record(), "codec " + name_ + " was given " + std::to_string(bytes.size()) +
                                                           " bytes, expected " + std::to_string(bytes_per_record()));
  torch::Tensor features = torch::empty({shape_.layers, shape_.frames, shape_.tokens, shape_.width}, torch::kFloat32);
  decode_values(bytes.data(), features.mutable_data_ptr<float>());
  return features;  // [N, t, L, C]
}

std::vector<std::string> codec_names() {
  std::vector<std::string> names;
  for (const auto& [name, maker] : makers()) names.push_back(name);
  return names;
}

std::unique_ptr<Codec> make_codec(const std::string& name, const FeatureShape& shape) {
  std::string names;
  for (const auto& [known, maker] : makers()) {
    if (known == name) return maker(shape);
    names += (names.empty() ? "" : ", ") + known;
  }
  throw core::ConfigError("codec '" + name + "' is not known: expected one of " + names);
}

}  // namespace permafrost::data
