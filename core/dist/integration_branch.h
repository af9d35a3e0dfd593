// The integration branch: what the frozen features and the temporal encoder know, fused layer by layer
// (DiST Sec. 3.4; MODEL.md "Trainable network", steps 2 to 5).
//
// Features are kept as [B, t, L, d], tokens and channels last, class token first.
#pragma once

#include "core/dist/dist_config.h"
#include "core/encoder/layers.h"

namespace permafrost::core {

// Temporal to integration: alpha frames become one, and a learnt class token per frame goes in front.
struct TemporalToIntegrationImpl : torch::nn::Module {
  explicit TemporalToIntegrationImpl(const DistConfig& config);
  torch::Tensor forward(const torch::Tensor& x);  // [B, F, g, g, c] -> [B, t, L, d]

  int64_t alpha;
  torch::Tensor cls_token;  // [1, 1, t, d]
  Convolution linear_fuse{nullptr};
};
TORCH_MODULE(TemporalToIntegration);

// Integration to temporal: patch tokens to the temporal width, one frame for every alpha (nearest up-sampling).
struct IntegrationToTemporalImpl : torch::nn::Module {
  explicit IntegrationToTemporalImpl(const DistConfig& config);
  torch::Tensor forward(const torch::Tensor& m);  // [B, t, L, d] -> [B, F, g, g, c]

  int64_t alpha;
  Linear linear_fuse{nullptr};
};
TORCH_MODULE(IntegrationToTemporal);

// The integration network of a layer: a token-wise MLP plus a temporal MLP, tokens kept apart.
struct IntegrationNetImpl : torch::nn::Module {
  explicit IntegrationNetImpl(const DistConfig& config);
  torch::Tensor forward(const torch::Tensor& m);  // [B, t, L, d] -> the same

  LayerNorm ln{nullptr}, ln_temporal{nullptr};
  Linear c_fc{nullptr}, c_proj{nullptr};
  Convolution temporal_c_fc1{nullptr}, temporal_c_fc2{nullptr}, temporal_c_proj{nullptr};
};
TORCH_MODULE(IntegrationNet);

}  // namespace permafrost::core
