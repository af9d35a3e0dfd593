#include "data/cache/layered_codec.h"

#include <ATen/ops/addmm.h>
#include <ATen/ops/mm.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/base/error.h"
#include "data/cache/feature_fields.h"
#include "data/cache/token_code.h"

namespace permafrost::data {
namespace {

constexpr int64_t kTokensAtOnce = 256;  // of one layer, when encoding

// One layer of one record: where its components become channels and back.
struct LayerTables {
  const float* mean = nullptr;   // [C]
  const float* steps = nullptr;  // [r]
  const float* inverse_steps = nullptr;
  const int64_t* channels = nullptr;  // [r] of int4
  torch::Tensor basis{};              // float32 [r, C] of lowrank
  const int64_t* outliers = nullptr;  // [k]
};

class LayeredCodec : public Codec {
 public:
  LayeredCodec(const CodecSpec& spec, const FeatureShape& shape, std::shared_ptr<const CodecTables> tables)
      : Codec(spec, shape, std::move(tables)) {
    if (this->tables() != nullptr) read_tables();
  }

  std::vector<Field> fields() const override;

 protected:
  void encode_values(const float* values, uint8_t* bytes) const override;
  void decode_tokens(const uint8_t* bytes, int64_t first, int64_t end, float* to, int64_t layer_stride) const override;
  float largest_value() const override { return 0x1p100f; }

 private:
  int64_t components() const { return spec().components_8 + spec().components_4; }
  bool is_rotated() const { return name() == "lowrank"; }
  TokenCode code_of(int64_t layer) const {
    return {.eights = spec().components_8,
            .fours = spec().components_4,
            .steps = layers_[layer].steps,
            .inverse_steps = layers_[layer].inverse_steps};
  }
  void read_tables();

  // Byte offsets of a token's part of each dataset.
  int64_t token_of(int64_t layer, int64_t k) const { return layer * tokens_per_layer() + k; }
  int64_t packed_bytes() const { return spec().components_8 + spec().components_4 / 2; }
  int64_t scales_at() const { return shape().layers * tokens_per_layer() * packed_bytes(); }
  int64_t outliers_at() const { return scales_at() + shape().layers * tokens_per_layer(); }

  // The difference of one token in components, and back onto what `to` holds of the layer before.
  void project(const LayerTables& layer, const float* differences, int64_t tokens, float* components) const;
  void add(const LayerTables& layer, const float* components, int64_t tokens, float* to) const;
  void decode_layer(const uint8_t* bytes, int64_t layer, int64_t first, int64_t end, float* to) const;
  void encode_block(const float* values, int64_t layer, int64_t first, int64_t end, float* decoded,
                    uint8_t* bytes) const;

  torch::Tensor inverse_steps_;  // [N, r]
  std::vector<LayerTables> layers_;
};

std::vector<Field> LayeredCodec::fields() const {
  const std::string units = is_rotated() ? "steps of codec.safetensors, two components of 4 bits in a byte"
                                         : "steps of codec.safetensors, two channels in a byte";
  std::vector<Field> fields = {feature_field(FieldType::kUint8, shape(), packed_bytes(), units),
                               token_field("feature_scales", FieldType::kUint8, shape(), 1, "",
                                           "k of the token's scale, 2 to the power of (k - 128) / 8")};
  if (spec().outliers > 0) fields.push_back(outlier_field(shape(), spec().outliers));
  return fields;
}

void LayeredCodec::read_tables() {
  const int64_t layers = shape().layers, width = shape().width;
  const torch::Tensor& mean = tables()->at("mean", torch::kFloat32, {layers, width});
  const torch::Tensor& steps = tables()->at("steps", torch::kFloat32, {layers, components()});
  inverse_steps_ = steps.reciprocal();
  layers_.resize(layers);
  for (int64_t n = 0; n < layers; ++n) {
    layers_[n].mean = mean.const_data_ptr<float>() + n * width;
    layers_[n].steps = steps.const_data_ptr<float>() + n * components();
    layers_[n].inverse_steps = inverse_steps_.const_data_ptr<float>() + n * components();
    if (is_rotated()) {
      layers_[n].basis = tables()->at("basis", torch::kFloat32, {layers, components(), width})[n];
    } else {
      const torch::Tensor& channels = tables()->at("channels", torch::kInt64, {layers, components()});
      layers_[n].channels = channels.const_data_ptr<int64_t>() + n * components();
    }
    if (spec().outliers > 0) {
      const torch::Tensor& outliers = tables()->at("outliers", torch::kInt64, {layers, spec().outliers});
      layers_[n].outliers = outliers.const_data_ptr<int64_t>() + n * spec().outliers;
    }
  }
}

torch::Tensor matrix(const float* values, int64_t rows, int64_t columns) {
  return torch::from_blob(const_cast<float*>(values), {rows, columns}, torch::kFloat32);
}

void LayeredCodec::project(const LayerTables& layer, const float* differences, int64_t tokens,
                           float* components) const {
  const int64_t count = this->components(), width = shape().width;
  if (is_rotated()) {
    torch::Tensor product = matrix(components, tokens, count);
    at::mm_out(product, matrix(differences, tokens, width), layer.basis.t());
    return;
  }
  for (int64_t k = 0; k < tokens; ++k, differences += width, components += count) {
    for (int64_t i = 0; i < count; ++i) components[i] = differences[layer.channels[i]];
  }
}

void LayeredCodec::add(const LayerTables& layer, const float* components, int64_t tokens, float* to) const {
  const int64_t count = this->components(), width = shape().width;
  for (int64_t k = 0; k < tokens; ++k) add_to(layer.mean, width, to + k * width);
  if (is_rotated()) {
    torch::Tensor sum = matrix(to, tokens, width);
    at::addmm_out(sum, sum, matrix(components, tokens, count), layer.basis);
    return;
  }
  for (int64_t k = 0; k < tokens; ++k, components += count, to += width) {
    for (int64_t i = 0; i < count;) {  // in runs of neighbouring channels
      const int64_t start = i++;
      while (i < count && layer.channels[i] == layer.channels[i - 1] + 1) ++i;
      add_to(components + start, i - start, to + layer.channels[start]);
    }
  }
}

// `to` holds the layer before, and holds this one afterwards: [end - first, C].
void LayeredCodec::decode_layer(const uint8_t* bytes, int64_t layer, int64_t first, int64_t end, float* to) const {
  const TokenCode code = code_of(layer);
  std::vector<float> components((end - first) * this->components());
  for (int64_t k = first; k < end; ++k) {
    const int64_t token = token_of(layer, k);
    code.decode(bytes + token * packed_bytes(), bytes[scales_at() + token],
                components.data() + (k - first) * this->components());
  }
  add(layers_[layer], components.data(), end - first, to);
  for (int64_t k = first; k < end; ++k) {
    for (int64_t i = 0; i < spec().outliers; ++i) {
      std::memcpy(to + (k - first) * shape().width + layers_[layer].outliers[i],
                  bytes + outliers_at() + 4 * (token_of(layer, k) * spec().outliers + i), 4);
    }
  }
}

void LayeredCodec::decode_tokens(const uint8_t* bytes, int64_t first, int64_t end, float* to,
                                 int64_t layer_stride) const {
  PERMAFROST_CHECK(!layers_.empty(), "codec " + name() + " needs its tables");
  const int64_t values = (end - first) * shape().width;
  for (int64_t layer = 0; layer < shape().layers; ++layer) {
    float* at = to + layer * layer_stride;
    if (layer == 0) {
      std::memset(at, 0, values * sizeof(float));
    } else {
      std::memcpy(at, at - layer_stride, values * sizeof(float));
    }
    decode_layer(bytes, layer, first, end, at);
  }
}

// `decoded` as decode_layer()'s `to`.
void LayeredCodec::encode_block(const float* values, int64_t layer, int64_t first, int64_t end, float* decoded,
                                uint8_t* bytes) const {
  const int64_t width = shape().width, tokens = end - first;
  const LayerTables& tables = layers_[layer];
  std::vector<float> differences(tokens * width), components(tokens * this->components());
  for (int64_t k = 0; k < tokens; ++k) {
    const float* exact = values + token_of(layer, first + k) * width;
    subtract(exact, decoded + k * width, tables.mean, width, differences.data() + k * width);
    for (int64_t i = 0; i < spec().outliers; ++i) {
      const int64_t channel = tables.outliers[i];
      differences[k * width + channel] = 0;
      std::memcpy(bytes + outliers_at() + 4 * (token_of(layer, first + k) * spec().outliers + i), exact + channel, 4);
    }
  }
  project(tables, differences.data(), tokens, components.data());
  const TokenCode code = code_of(layer);
  for (int64_t k = 0; k < tokens; ++k) {
    const int64_t token = token_of(layer, first + k);
    bytes[scales_at() + token] =
        code.encode(components.data() + k * this->components(), bytes + token * packed_bytes());
  }
  decode_layer(bytes, layer, first, end, decoded);
}

void LayeredCodec::encode_values(const float* values, uint8_t* bytes) const {
  PERMAFROST_CHECK(!layers_.empty(), "codec " + name() + " needs its tables");
  std::vector<float> decoded;
  for (int64_t first = 0; first < tokens_per_layer(); first += kTokensAtOnce) {
    const int64_t end = std::min(first + kTokensAtOnce, tokens_per_layer());
    decoded.assign((end - first) * shape().width, 0);
    for (int64_t layer = 0; layer < shape().layers; ++layer)
      encode_block(values, layer, first, end, decoded.data(), bytes);
  }
}

}  // namespace

std::unique_ptr<Codec> make_layered_codec(const CodecSpec& spec, const FeatureShape& shape,
                                          std::shared_ptr<const CodecTables> tables) {
  return std::make_unique<LayeredCodec>(spec, shape, std::move(tables));
}

}  // namespace permafrost::data
