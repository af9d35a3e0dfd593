#include "core/encoder/frozen_encoder.h"

#include <c10/core/impl/VirtualGuardImpl.h>
#include <torch/types.h>

#include <algorithm>
#include <array>
#include <numeric>
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

// Which blocks have to run for the wanted layers, where those that are defined are known; and one more, which never
// does. A known layer spares the blocks before it if the next can continue from it.
std::vector<bool> blocks_to_run(const std::vector<torch::Tensor>& layers, const std::vector<int64_t>& wanted,
                                bool can_continue) {
  std::vector<bool> runs(layers.size() + 1, false);
  for (size_t i = layers.size(); i-- > 0;) {
    const bool is_known = layers[i].defined();
    const bool is_wanted = std::find(wanted.begin(), wanted.end(), static_cast<int64_t>(i)) != wanted.end();
    runs[i] = (is_wanted && !is_known) || (runs[i + 1] && !(is_known && can_continue));
  }
  return runs;
}

}  // namespace

FrozenEncoder::FrozenEncoder(const std::string& path, const EncoderOptions& options)
    : FrozenEncoder(load_encoder(path, options), options.dtype, options.device) {}

FrozenEncoder::FrozenEncoder(VisionTransformer encoder, torch::ScalarType dtype, torch::Device device)
    : encoder_(std::move(encoder)), sha256_(identity_of(encoder_)), dtype_(dtype), device_(device) {
  precision_name(dtype_);  // throws for a type it cannot have
  for (torch::Tensor& parameter : encoder_->parameters()) parameter.requires_grad_(false);
  for (ResidualBlock& block : encoder_->blocks) block->fold();  // before the weights lose digits
  encoder_->to(device_, dtype_);
}

torch::Tensor FrozenEncoder::encode(const torch::Tensor& frames) {
  const int64_t size = config().image_size;
  PERMAFROST_CHECK(frames.dim() == 4 && frames.size(2) == size && frames.size(3) == size,
                   "frames must be [M, 3, S, S] at the encoder's own image size");
  std::vector<int64_t> all(static_cast<size_t>(config().layers));
  std::iota(all.begin(), all.end(), 0);
  return complete(frames, {}, {}, all);
}

torch::Tensor FrozenEncoder::complete(const torch::Tensor& frames, const torch::Tensor& known,
                                      const std::vector<int64_t>& known_layers, const std::vector<int64_t>& wanted) {
  const bool is_copied_out = frames.is_cpu() && !device_.is_cpu();
  torch::Tensor result =
      torch::empty({static_cast<int64_t>(wanted.size()), frames.size(0), config().tokens(), config().width},
                   frames.options().dtype(torch::kFloat32).pinned_memory(is_copied_out));
  const c10::InferenceMode inference;
  std::vector<torch::Tensor> layers(config().layers);
  for (size_t i = 0; i < known_layers.size(); ++i) layers.at(known_layers[i]) = known[static_cast<int64_t>(i)];
  const std::vector<bool> runs = blocks_to_run(layers, wanted, encoder_->can_continue());
  torch::Tensor x;  // what enters the next block that runs
  size_t place = 0;
  for (int64_t i = 0; i < config().layers; ++i) {
    if (runs[i]) {
      if (!x.defined()) x = encoder_->stem(normalise_pixels(frames.to(device_), config().pixels).to(dtype_));
      x = encoder_->blocks[i](x);
    } else if (runs[i + 1]) {
      x = encoder_->as_entering(layers[i].to(device_, dtype_));
    }
    if (place == wanted.size() || wanted[place] != i) continue;
    result[static_cast<int64_t>(place++)].copy_(layers[i].defined() ? layers[i] : encoder_->as_returned(x),
                                                /*non_blocking=*/is_copied_out);
  }
  if (is_copied_out) c10::impl::VirtualGuardImpl(device_.type()).getStream(device_).synchronize();
  return result;
}

torch::Tensor FrozenEncoder::embed(const torch::Tensor& last_layer) {
  const c10::InferenceMode inference;
  return encoder_->embed(last_layer.to(device_, dtype_)).to(last_layer.device(), torch::kFloat32);
}

}  // namespace permafrost::core
