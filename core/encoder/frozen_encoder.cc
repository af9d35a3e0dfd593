#include "core/encoder/frozen_encoder.h"

#include <torch/types.h>

#include <array>
#include <sstream>

#include "core/base/checksum.h"
#include "core/base/error.h"
#include "core/checkpoint/state.h"
#include "core/encoder/precision.h"

namespace permafrost::core {
namespace {

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

FrozenEncoder::FrozenEncoder(const std::string& path, const EncoderOptions& options)
    : encoder_(load_encoder(path, options)), sha256_(identity_of(encoder_)), dtype_(options.dtype) {
  precision_name(dtype_);  // throws for a type it cannot have
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
