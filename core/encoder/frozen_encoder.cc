#include "core/encoder/frozen_encoder.h"

#include <torch/types.h>

#include <array>
#include <sstream>

#include "core/base/checksum.h"
#include "core/base/error.h"
#include "core/checkpoint/state.h"

namespace permafrost::core {
namespace {

struct DtypeName {
  const char* name;
  torch::ScalarType type;
};
constexpr std::array<DtypeName, 3> kDtypes{
    {{"fp32", torch::kFloat32}, {"bf16", torch::kBFloat16}, {"fp16", torch::kFloat16}}};

// What the weights' names and shapes do not say.
std::string identity_of(const VisionTransformer& encoder) {
  const VisionConfig& config = encoder->config;
  std::ostringstream text;
  text.precision(9);
  text << "vision heads=" << config.heads << " patch=" << config.patch_size << " image=" << config.image_size
       << " activation=" << name_of(config.activation) << " gated=" << config.has_gated_mlp
       << " epsilon=" << config.layer_norm_epsilon;
  for (const double mean : config.pixels.mean) text << " mean=" << mean;
  for (const double deviation : config.pixels.deviation) text << " deviation=" << deviation;
  text << " weights=" << sha256_of(state_of(*encoder));
  return sha256_hex(text.str());
}

}  // namespace

torch::ScalarType encoder_dtype_named(const std::string& name) {
  for (const DtypeName& dtype : kDtypes) {
    if (name == dtype.name) return dtype.type;
  }
  throw ConfigError("encoder type '" + name + "', expected fp32, bf16 or fp16");
}

std::string encoder_dtype_name(torch::ScalarType type) {
  for (const DtypeName& dtype : kDtypes) {
    if (type == dtype.type) return dtype.name;
  }
  throw ConfigError(std::string("an encoder cannot run in ") + c10::toString(type) + ", expected float32 or a half");
}

FrozenEncoder::FrozenEncoder(const std::string& path, const EncoderOptions& options)
    : encoder_(load_encoder(path, options)), sha256_(identity_of(encoder_)), dtype_(options.dtype) {
  encoder_dtype_name(dtype_);  // throws for a type it cannot have
  for (torch::Tensor& parameter : encoder_->parameters()) parameter.requires_grad_(false);
  encoder_->to(dtype_);
}

torch::Tensor FrozenEncoder::encode(const torch::Tensor& frames) {
  const int64_t size = config().image_size;
  PERMAFROST_CHECK(frames.dim() == 4 && frames.size(2) == size && frames.size(3) == size,
                   "frames must be [M, 3, S, S] at the encoder's own image size");
  const c10::InferenceMode inference;
  return torch::stack(encoder_->forward(normalise_pixels(frames, config().pixels).to(dtype_))).to(torch::kFloat32);
}

torch::Tensor FrozenEncoder::embed(const torch::Tensor& last_layer) {
  const c10::InferenceMode inference;
  return encoder_->embed(last_layer.to(dtype_)).to(torch::kFloat32);
}

}  // namespace permafrost::core
