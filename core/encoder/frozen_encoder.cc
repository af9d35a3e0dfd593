#include "core/encoder/frozen_encoder.h"

#include <torch/types.h>

#include <sstream>

#include "core/base/checksum.h"
#include "core/base/error.h"
#include "core/checkpoint/state.h"

namespace permafrost::core {
namespace {

std::string identity_of(const VisionTransformer& encoder) {
  const VisionConfig& config = encoder->config;
  std::ostringstream text;
  text << "clip_vision heads=" << config.heads << " image=" << config.image_size
       << " activation=" << (config.activation == Activation::kQuickGelu ? "quick_gelu" : "gelu")
       << " epsilon=" << config.layer_norm_epsilon << " weights=" << sha256_of(state_of(*encoder));
  return sha256_hex(text.str());
}

}  // namespace

FrozenEncoder::FrozenEncoder(const std::string& directory)
    : encoder_(load_encoder(directory)), sha256_(identity_of(encoder_)) {
  for (torch::Tensor& parameter : encoder_->parameters()) parameter.requires_grad_(false);
}

torch::Tensor FrozenEncoder::encode(const torch::Tensor& frames) {
  const int64_t size = config().image_size;
  PERMAFROST_CHECK(frames.dim() == 4 && frames.size(2) == size && frames.size(3) == size,
                   "frames must be [M, 3, S, S] at the encoder's own image size");
  const c10::InferenceMode inference;
  return torch::stack(encoder_->forward(normalise_pixels(frames)));
}

torch::Tensor FrozenEncoder::embed(const torch::Tensor& last_layer) {
  const c10::InferenceMode inference;
  return encoder_->embed(last_layer);
}

}  // namespace permafrost::core
