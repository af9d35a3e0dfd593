// The pre-norm transformer block that CLIP's image and text towers share: x += MHA(LN(x)); x += MLP(LN(x)).
#pragma once

#include <torch/types.h>

#include "core/encoder/layers.h"

namespace permafrost::core {

enum class Activation { kQuickGelu, kGelu };

struct BlockConfig {
  int64_t width = 768;
  int64_t heads = 12;
  int64_t mlp_width = 3072;
  Activation activation = Activation::kQuickGelu;
  double layer_norm_epsilon = 1e-5;
  bool is_causal = false;  // a token sees those before it and itself: the text tower
};

struct ResidualBlockImpl : torch::nn::Module {
  explicit ResidualBlockImpl(const BlockConfig& config);
  torch::Tensor forward(torch::Tensor x);  // [M, L, C] -> [M, L, C]

  BlockConfig config;
  LayerNorm ln_1{nullptr}, ln_2{nullptr};
  torch::Tensor in_proj_weight, in_proj_bias;  // attn.in_proj_*: q, k, v stacked, [3C, C] and [3C]
  Linear out_proj{nullptr}, c_fc{nullptr}, c_proj{nullptr};
};
TORCH_MODULE(ResidualBlock);

}  // namespace permafrost::core
