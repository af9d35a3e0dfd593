// The integration network of a layer: a token-wise MLP plus a temporal MLP, tokens kept apart
// (DiST Sec. 3.4; MODEL.md "Trainable network", step 5).
//
//   r = ffn(ln(m)) + temporal_ffn(ln_temporal(m))
//
// One node of autograd with a backward of its own, since it is most of a train step. Both norms differ only in weight
// and bias, which go into the layers behind them: one normalised tensor and one product serve both MLPs, one product
// sums their ends, and QuickGELU's 1.702 lies in the weights on either side of it (branch_nodes_test.cc compares it
// with the formula).
#pragma once

#include "core/dist/dist_config.h"
#include "core/encoder/layers.h"

namespace permafrost::core {

struct IntegrationNetImpl : torch::nn::Module {
  explicit IntegrationNetImpl(const DistConfig& config);
  torch::Tensor forward(const torch::Tensor& m);  // [B, t, L, d] -> the same

  LayerNorm ln{nullptr}, ln_temporal{nullptr};
  Linear c_fc{nullptr}, c_proj{nullptr};
  Convolution temporal_c_fc1{nullptr}, temporal_c_fc2{nullptr}, temporal_c_proj{nullptr};
};
TORCH_MODULE(IntegrationNet);

}  // namespace permafrost::core
