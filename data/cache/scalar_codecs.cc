#include "data/cache/scalar_codecs.h"

#include <c10/util/Float8_e4m3fn.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "core/base/error.h"
#include "data/cache/feature_fields.h"
#include "data/cache/half_precision.h"
#include "data/cache/vectorised.h"

namespace permafrost::data {
namespace {

using Tables = std::shared_ptr<const CodecTables>;

float read_float(const uint8_t* at) {
  float value;
  std::memcpy(&value, at, 4);
  return value;
}

float largest_of(const float* values, int64_t count) {
  float largest = 0;
  for (int64_t i = 0; i < count; ++i) largest = std::max(largest, std::fabs(values[i]));
  return largest;
}

// Values one after the other, each converted by itself.
struct Conversion {
  FieldType type;
  int64_t bytes;
  float largest;
  void (*encode)(const float*, uint8_t*, size_t);
  void (*decode)(const uint8_t*, float*, size_t);
};

class ConvertingCodec : public Codec {
 public:
  ConvertingCodec(const CodecSpec& spec, const FeatureShape& shape, const Conversion& conversion)
      : Codec({.name = spec.name}, shape), conversion_(conversion) {}

  std::vector<Field> fields() const override { return {feature_field(conversion_.type, shape(), shape().width, "1")}; }

 protected:
  void encode_values(const float* values, uint8_t* bytes) const override {
    conversion_.encode(values, bytes, shape().values());
  }
  void decode_tokens(const uint8_t* bytes, int64_t first, int64_t end, float* to, int64_t layer_stride) const override {
    for (int64_t layer = 0; layer < shape().layers; ++layer, to += layer_stride) {
      const int64_t at = (layer * tokens_per_layer() + first) * shape().width;
      conversion_.decode(bytes + at * conversion_.bytes, to, (end - first) * shape().width);
    }
  }
  float largest_value() const override { return conversion_.largest; }

 private:
  Conversion conversion_;
};

PERMAFROST_VECTORISED void encode_int8(const float* values, int64_t count, float scale, int8_t* to) {
  const float inverse = scale > 0 ? 1.0f / scale : 0.0f;
  for (int64_t i = 0; i < count; ++i) {
    to[i] = static_cast<int8_t>(std::clamp(std::nearbyintf(values[i] * inverse), -127.0f, 127.0f));
  }
}

PERMAFROST_VECTORISED void decode_int8(const int8_t* values, int64_t count, float scale, float* to) {
  for (int64_t i = 0; i < count; ++i) to[i] = static_cast<float>(values[i]) * scale;
}

// One byte a value and a scale per token, because a few tokens are a hundred times larger than the others.
class TokenScaledCodec : public Codec {
 public:
  using Codec::Codec;

 protected:
  virtual void encode_token(const float* values, float scale, uint8_t* to) const = 0;
  virtual void decode_token(const uint8_t* bytes, float scale, float* to) const = 0;
  virtual float largest_code() const = 0;

  static Field scale_field(const FeatureShape& shape) {
    return token_field("feature_scales", FieldType::kFloat, shape, 1, "",
                       "what the token's features are multiplied by");
  }
  int64_t tokens() const { return shape().layers * tokens_per_layer(); }
  uint8_t* scale_at(uint8_t* bytes, int64_t token) const { return bytes + shape().values() + 4 * token; }
  const uint8_t* scale_at(const uint8_t* bytes, int64_t token) const { return bytes + shape().values() + 4 * token; }

  void encode_one(const float* values, uint8_t* bytes, int64_t token) const {
    const float scale = largest_of(values, shape().width) / largest_code();
    encode_token(values, scale, bytes + token * shape().width);
    std::memcpy(scale_at(bytes, token), &scale, 4);
  }
  void encode_values(const float* values, uint8_t* bytes) const override {
    for (int64_t token = 0; token < tokens(); ++token) encode_one(values + token * shape().width, bytes, token);
  }
  void decode_tokens(const uint8_t* bytes, int64_t first, int64_t end, float* to, int64_t layer_stride) const override {
    for (int64_t layer = 0; layer < shape().layers; ++layer) {
      for (int64_t k = first; k < end; ++k) {
        const int64_t token = layer * tokens_per_layer() + k;
        decode_token(bytes + token * shape().width, read_float(scale_at(bytes, token)),
                     to + layer * layer_stride + (k - first) * shape().width);
      }
    }
  }
  float largest_value() const override { return 0x1p126f; }  // largest_code() * scale stays finite
};

class Fp8Codec : public TokenScaledCodec {
 public:
  Fp8Codec(const CodecSpec& spec, const FeatureShape& shape) : TokenScaledCodec({.name = spec.name}, shape) {
    for (size_t code = 0; code < values_.size(); ++code) {
      values_[code] = c10::detail::fp8e4m3fn_to_fp32_value(static_cast<uint8_t>(code));
    }
  }
  std::vector<Field> fields() const override {
    return {feature_field(FieldType::kUint8, shape(), shape().width, "float8 e4m3 times feature_scales"),
            scale_field(shape())};
  }

 protected:
  void encode_token(const float* values, float scale, uint8_t* to) const override {
    const float inverse = scale > 0 ? 1.0f / scale : 0.0f;
    for (int64_t i = 0; i < shape().width; ++i) {
      to[i] = c10::detail::fp8e4m3fn_from_fp32_value(std::clamp(values[i] * inverse, -448.0f, 448.0f));
    }
  }
  void decode_token(const uint8_t* bytes, float scale, float* to) const override {
    for (int64_t i = 0; i < shape().width; ++i) to[i] = values_[bytes[i]] * scale;
  }
  float largest_code() const override { return 448; }

 private:
  std::array<float, 256> values_{};
};

// A few channels hundreds of times larger than the others would leave these no steps: they are kept apart.
class Int8Codec : public TokenScaledCodec {
 public:
  Int8Codec(const CodecSpec& spec, const FeatureShape& shape, const Tables& tables)
      : TokenScaledCodec({.name = spec.name,
                          .outliers = spec.outliers,
                          .components_8 = 0,
                          .components_4 = 0,
                          .tables_sha256 = spec.tables_sha256},
                         shape, tables) {
    if (tables && spec.outliers > 0) {
      outliers_ = tables->at("outliers", torch::kInt64, {shape.layers, spec.outliers});
    }
  }
  std::vector<Field> fields() const override {
    std::vector<Field> fields = {feature_field(FieldType::kInt8, shape(), shape().width, "feature_scales of the token"),
                                 scale_field(shape())};
    if (spec().outliers > 0) fields.push_back(outlier_field(shape(), spec().outliers));
    return fields;
  }

 protected:
  void encode_token(const float* values, float scale, uint8_t* to) const override {
    encode_int8(values, shape().width, scale, reinterpret_cast<int8_t*>(to));
  }
  void decode_token(const uint8_t* bytes, float scale, float* to) const override {
    decode_int8(reinterpret_cast<const int8_t*>(bytes), shape().width, scale, to);
  }
  float largest_code() const override { return 127; }

  void encode_values(const float* values, uint8_t* bytes) const override {
    if (spec().outliers == 0) return TokenScaledCodec::encode_values(values, bytes);
    std::vector<float> token_values(shape().width);
    for (int64_t token = 0; token < tokens(); ++token) {
      std::memcpy(token_values.data(), values + token * shape().width, token_values.size() * sizeof(float));
      for (int64_t i = 0; i < spec().outliers; ++i) {
        float& value = token_values[channel(token, i)];
        std::memcpy(outlier_at(bytes, token, i), &value, 4);
        value = 0;
      }
      encode_one(token_values.data(), bytes, token);
    }
  }
  void decode_tokens(const uint8_t* bytes, int64_t first, int64_t end, float* to, int64_t layer_stride) const override {
    TokenScaledCodec::decode_tokens(bytes, first, end, to, layer_stride);
    for (int64_t layer = 0; layer < shape().layers && spec().outliers > 0; ++layer) {
      for (int64_t k = first; k < end; ++k) {
        const int64_t token = layer * tokens_per_layer() + k;
        for (int64_t i = 0; i < spec().outliers; ++i) {
          to[layer * layer_stride + (k - first) * shape().width + channel(token, i)] =
              read_float(outlier_at(bytes, token, i));
        }
      }
    }
  }

 private:
  int64_t channel(int64_t token, int64_t i) const {
    PERMAFROST_CHECK(outliers_.defined(), "int8 with outliers needs its tables");
    return outliers_.const_data_ptr<int64_t>()[token / tokens_per_layer() * spec().outliers + i];
  }
  int64_t outlier_offset(int64_t token, int64_t i) const {
    return shape().values() + 4 * tokens() + 4 * (token * spec().outliers + i);
  }
  uint8_t* outlier_at(uint8_t* bytes, int64_t token, int64_t i) const { return bytes + outlier_offset(token, i); }
  const uint8_t* outlier_at(const uint8_t* bytes, int64_t token, int64_t i) const {
    return bytes + outlier_offset(token, i);
  }

  torch::Tensor outliers_;  // int64 [N, k]
};

void copy_in(const float* values, uint8_t* bytes, size_t count) { std::memcpy(bytes, values, 4 * count); }
void copy_out(const uint8_t* bytes, float* values, size_t count) { std::memcpy(values, bytes, 4 * count); }

}  // namespace

std::unique_ptr<Codec> make_f32_codec(const CodecSpec& spec, const FeatureShape& shape, Tables) {
  return std::make_unique<ConvertingCodec>(spec, shape,
                                           Conversion{FieldType::kFloat, 4, 0x1.fffffep127f, &copy_in, &copy_out});
}

std::unique_ptr<Codec> make_f16_codec(const CodecSpec& spec, const FeatureShape& shape, Tables) {
  return std::make_unique<ConvertingCodec>(spec, shape,
                                           Conversion{FieldType::kHalf, 2, 65504, &encode_half, &decode_half});
}

std::unique_ptr<Codec> make_bf16_codec(const CodecSpec& spec, const FeatureShape& shape, Tables) {
  return std::make_unique<ConvertingCodec>(
      spec, shape, Conversion{FieldType::kBrainFloat, 2, 0x1.fep127f, &encode_brain_float, &decode_brain_float});
}

std::unique_ptr<Codec> make_int8_codec(const CodecSpec& spec, const FeatureShape& shape, Tables tables) {
  return std::make_unique<Int8Codec>(spec, shape, tables);
}

std::unique_ptr<Codec> make_fp8_codec(const CodecSpec& spec, const FeatureShape& shape, Tables) {
  return std::make_unique<Fp8Codec>(spec, shape);
}

}  // namespace permafrost::data
