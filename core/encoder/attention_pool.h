// SigLIP's image embedding: one learnt query looks at all tokens of the last layer, then a residual MLP ("MAP head").
//
//   AttentionPool pool(config.block());
//   torch::Tensor embedding = pool(tokens);   // [M, n, C] -> [M, C]
#pragma once

#include "core/encoder/layers.h"
#include "core/encoder/residual_block.h"

namespace permafrost::core {

struct AttentionPoolImpl : torch::nn::Module {
  explicit AttentionPoolImpl(const BlockConfig& config);
  torch::Tensor forward(const torch::Tensor& tokens);  // [M, n, C] -> [M, C]

  BlockConfig config;
  torch::Tensor probe;                         // [C], the query
  torch::Tensor in_proj_weight, in_proj_bias;  // attn.in_proj_*: [3C, C], [3C]
  LayerNorm ln{nullptr};
  Linear out_proj{nullptr}, c_fc{nullptr}, c_proj{nullptr};
};
TORCH_MODULE(AttentionPool);

}  // namespace permafrost::core
