#include "core/encoder/attention_pool.h"

namespace permafrost::core {

AttentionPoolImpl::AttentionPoolImpl(const BlockConfig& config) : config(config) {
  const int64_t width = config.width;
  probe = register_parameter("probe", torch::empty({width}));
  const auto attention = register_group(*this, "attn");
  in_proj_weight = attention->register_parameter("in_proj_weight", torch::empty({3 * width, width}));
  in_proj_bias = attention->register_parameter("in_proj_bias", torch::empty({3 * width}));
  out_proj = attention->register_module("out_proj", Linear(width, width));
  ln = register_module("ln", LayerNorm(width, config.layer_norm_epsilon));
  const auto mlp = register_group(*this, "mlp");
  c_fc = mlp->register_module("c_fc", Linear(width, config.mlp_width));
  c_proj = mlp->register_module("c_proj", Linear(config.mlp_width, width));
}

torch::Tensor AttentionPoolImpl::forward(const torch::Tensor& tokens) {
  const int64_t images = tokens.size(0), width = config.width;
  const std::vector<torch::Tensor> weights = in_proj_weight.chunk(3), biases = in_proj_bias.chunk(3);
  const auto heads_of = [&](const torch::Tensor& x, size_t i) {
    const torch::Tensor projected = torch::linear(x, weights[i], biases[i]);
    return projected.view({x.size(0), x.size(1), config.heads, width / config.heads}).transpose(1, 2);
  };
  const torch::Tensor query = heads_of(probe.expand({images, 1, width}), 0);  // [M, heads, 1, C/heads]
  const torch::Tensor attended =
      torch::scaled_dot_product_attention(query, heads_of(tokens, 1), heads_of(tokens, 2));  // [M, heads, 1, C/heads]
  const torch::Tensor x = out_proj(attended.transpose(1, 2).reshape({images, width}));       // [M, C]
  return x + c_proj(activated_product(ln(x), c_fc->weight, c_fc->bias, config.activation));  // [M, C]
}

}  // namespace permafrost::core
