// The integration branch: what the frozen features and the temporal encoder know, fused layer by layer
// (DiST Sec. 3.4; MODEL.md "Trainable network", steps 2 to 4).
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

}  // namespace permafrost::core
