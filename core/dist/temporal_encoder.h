// The temporal encoder: light convolutions over all frames (DiST Sec. 3.3; MODEL.md "Trainable network", step 1).
#pragma once

#include "core/dist/dist_config.h"
#include "core/encoder/layers.h"

namespace permafrost::core {

// Cuts every frame into patches, looking at `temporal_patch` frames at once. The module is the reference's
// `temporal_stem`, a Conv3d.
Convolution make_temporal_stem(const DistConfig& config);

// pixels float [B, F, 3, H, W], normalised -> [B, F, g, g, c].
torch::Tensor apply_temporal_stem(const Convolution& stem, const torch::Tensor& pixels);

// One temporal block: x = QuickGELU(x + spatial conv(QuickGELU(temporal conv(LN(x))))).
struct TemporalNetImpl : torch::nn::Module {
  explicit TemporalNetImpl(const DistConfig& config);
  torch::Tensor forward(const torch::Tensor& x);  // [B, F, g, g, c] -> the same

  LayerNorm ln{nullptr};
  Convolution c_fc1{nullptr}, c_fc2{nullptr};
};
TORCH_MODULE(TemporalNet);

}  // namespace permafrost::core
