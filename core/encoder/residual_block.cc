#include "core/encoder/residual_block.h"

namespace permafrost::core {
namespace {

torch::Tensor activate(const torch::Tensor& x, Activation activation) {
  return activation == Activation::kQuickGelu ? quick_gelu(x) : torch::gelu(x);
}

}  // namespace

ResidualBlockImpl::ResidualBlockImpl(const BlockConfig& config) : config(config) {
  const int64_t width = config.width;
  ln_1 = register_module("ln_1", LayerNorm(width, config.layer_norm_epsilon));
  ln_2 = register_module("ln_2", LayerNorm(width, config.layer_norm_epsilon));
  const auto attention = register_group(*this, "attn");
  in_proj_weight = attention->register_parameter("in_proj_weight", torch::empty({3 * width, width}));
  in_proj_bias = attention->register_parameter("in_proj_bias", torch::empty({3 * width}));
  out_proj = attention->register_module("out_proj", Linear(width, width));
  const auto mlp = register_group(*this, "mlp");
  c_fc = mlp->register_module("c_fc", Linear(width, config.mlp_width));
  c_proj = mlp->register_module("c_proj", Linear(config.mlp_width, width));
}

torch::Tensor ResidualBlockImpl::forward(torch::Tensor x) {
  const int64_t sequences = x.size(0), tokens = x.size(1), width = x.size(2);
  const torch::Tensor qkv = torch::linear(ln_1(x), in_proj_weight, in_proj_bias)  // [M, L, 3C]
                                .view({sequences, tokens, 3, config.heads, width / config.heads})
                                .permute({2, 0, 3, 1, 4});  // [3, M, heads, L, C/heads]
  const torch::Tensor attended = torch::scaled_dot_product_attention(qkv[0], qkv[1], qkv[2], {}, 0.0, config.is_causal);
  x = x + out_proj(attended.transpose(1, 2).reshape({sequences, tokens, width}));  // [M, L, C]
  return x + c_proj(activate(c_fc(ln_2(x)), config.activation));                   // [M, L, C]
}

}  // namespace permafrost::core
