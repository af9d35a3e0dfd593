#include "data/cache/kernel_decoder.h"

#include <ATen/ops/add.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/full.h>
#include <c10/core/DeviceGuard.h>
#include <c10/util/Float8_e4m3fn.h>

#include <limits>

#include "core/base/error.h"
#include "data/cache/decode_kernels.h"
#include "data/cache/token_code.h"

namespace permafrost::data {
namespace {

template <class Body>
void run(const Body& body, torch::Device device) {
  if (!device.is_cpu()) return run_on_gpu(body);
  for (uint32_t row = 0; row < body.rows(); ++row) {
    for (uint32_t column = 0; column < body.columns(); ++column) body(row, column);
  }
}

// float32 [256]: what each byte means.
template <class Meaning>
torch::Tensor table_of_bytes(const Meaning& meaning) {
  torch::Tensor table = torch::empty({256}, torch::kFloat32);
  for (int code = 0; code < 256; ++code) table.mutable_data_ptr<float>()[code] = meaning(static_cast<uint8_t>(code));
  return table;
}

StoredFloat stored_float(const std::string& codec) {
  if (codec == "f32") return StoredFloat::kFloat;
  return codec == "f16" ? StoredFloat::kHalf : StoredFloat::kBrainFloat;
}

}  // namespace

KernelDecoder::KernelDecoder(const Codec& codec, torch::Device device) : codec_(codec), device_(device) {
  code_values_ = table_of_bytes([&](uint8_t code) {
    return codec.name() == "fp8" ? c10::detail::fp8e4m3fn_to_fp32_value(code)
                                 : static_cast<float>(static_cast<int8_t>(code));
  });
  scale_values_ = table_of_bytes(&token_scale);
  read_tables();
  for (torch::Tensor* table :
       {&code_values_, &scale_values_, &mean_, &steps_, &basis_, &component_of_, &outlier_of_, &outliers_}) {
    if (table->defined()) *table = table->to(device);
  }
}

void KernelDecoder::read_tables() {
  const CodecSpec& spec = codec_.spec();
  const int64_t layers = codec_.shape().layers, width = codec_.shape().width;
  const int64_t components = spec.components_8 + spec.components_4;
  outlier_of_ = places_of("outliers", spec.outliers);
  if (!spec.is_layered()) return;
  const CodecTables& tables = *codec_.tables();
  mean_ = tables.at("mean", torch::kFloat32, {layers, width});
  steps_ = tables.at("steps", torch::kFloat32, {layers, components});
  if (spec.name == "int4") component_of_ = places_of("channels", components);
  if (spec.name == "lowrank") basis_ = tables.at("basis", torch::kFloat32, {layers, components, width});
  if (spec.outliers > 0) {
    outliers_ = tables.at("outliers", torch::kInt64, {layers, spec.outliers}).to(torch::kInt32).contiguous();
  }
}

// From [N, count] channels to int32 [N, C]: where in its layer's row a channel stands, -1 where it does not.
torch::Tensor KernelDecoder::places_of(const std::string& channels, int64_t count) const {
  const int64_t layers = codec_.shape().layers;
  torch::Tensor places = torch::full({layers, codec_.shape().width}, -1, torch::kInt32);
  if (count == 0) return places;
  PERMAFROST_CHECK(codec_.tables() != nullptr, "codec " + codec_.name() + " needs its tables");
  const torch::Tensor& table = codec_.tables()->at(channels, torch::kInt64, {layers, count});
  return places.scatter_(1, table, torch::arange(count, torch::kInt32).expand({layers, count}));
}

BatchPointers KernelDecoder::pointers(const torch::Tensor& coded, const torch::Tensor& features) const {
  const FeatureShape& shape = codec_.shape();
  const int64_t clips = coded.size(0), tokens = shape.frames * shape.tokens;
  PERMAFROST_CHECK(shape.layers * clips * tokens <= std::numeric_limits<int32_t>::max(),
                   "a batch of " + std::to_string(clips) + " clips has too many tokens for a GPU");
  return {.coded = coded.const_data_ptr<uint8_t>(),
          .to = features.mutable_data_ptr<float>(),
          .record_bytes = coded.size(1),
          .layers = static_cast<uint32_t>(shape.layers),
          .clips = static_cast<uint32_t>(clips),
          .tokens = static_cast<uint32_t>(tokens),
          .width = static_cast<uint32_t>(shape.width)};
}

PackedTokens KernelDecoder::packed(const BatchPointers& batch) const {
  return {.batch = batch,
          .steps = steps_.const_data_ptr<float>(),
          .scale_values = scale_values_.const_data_ptr<float>(),
          .eights = codec_.spec().components_8,
          .fours = codec_.spec().components_4,
          .outliers = codec_.spec().outliers};
}

torch::Tensor KernelDecoder::decode(const torch::Tensor& coded) const {
  PERMAFROST_CHECK(coded.dim() == 2 && coded.size(1) == static_cast<int64_t>(codec_.bytes_per_record()) &&
                       coded.is_contiguous() && coded.device() == device_,
                   "codec " + codec_.name() + " expected a batch of " + std::to_string(codec_.bytes_per_record()) +
                       " bytes a clip on " + device_.str());
  const c10::DeviceGuard guard(device_);
  const FeatureShape& shape = codec_.shape();
  const torch::Tensor features = torch::empty({shape.layers, coded.size(0), shape.frames, shape.tokens, shape.width},
                                              torch::TensorOptions(torch::kFloat32).device(device_));
  decode_into(pointers(coded, features), features);
  return features.transpose(0, 1);  // [b, N, t, L, C]
}

void KernelDecoder::decode_into(const BatchPointers& batch, const torch::Tensor& features) const {
  const std::string& name = codec_.name();
  if (name == "lowrank") return decode_lowrank(batch, features);
  const int32_t* outlier_of = outlier_of_.const_data_ptr<int32_t>();
  if (name == "int4") {
    run(AddDifferences{packed(batch), mean_.const_data_ptr<float>(), component_of_.const_data_ptr<int32_t>(),
                       outlier_of},
        device_);
  } else if (name == "int8" || name == "fp8") {
    run(ScaleTokens{batch, code_values_.const_data_ptr<float>(), outlier_of, codec_.spec().outliers}, device_);
  } else {
    run(ConvertTokens{batch, stored_float(name)}, device_);
  }
}

void KernelDecoder::decode_lowrank(const BatchPointers& batch, const torch::Tensor& features) const {
  const PackedTokens packed = this->packed(batch);
  const int64_t tokens = int64_t{batch.clips} * batch.tokens;
  const torch::Tensor components = torch::empty({tokens, packed.components()}, features.options());
  for (uint32_t n = 0; n < batch.layers; ++n) {
    torch::Tensor layer = features[n].view({tokens, codec_.shape().width});
    if (n == 0) {
      layer.copy_(mean_[0].expand_as(layer));
    } else {
      at::add_out(layer, features[n - 1].view_as(layer), mean_[n]);
    }
    run(UnpackComponents{packed, n, components.mutable_data_ptr<float>()}, device_);
    at::addmm_out(layer, layer, components, basis_[n]);
    if (packed.outliers == 0) continue;
    run(SetOutliers{packed, n, outliers_[n].const_data_ptr<int32_t>()}, device_);
  }
}

}  // namespace permafrost::data
