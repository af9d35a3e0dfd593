#include "core/encoder/residual_block.h"

#include "core/base/error.h"

namespace permafrost::core {

std::string name_of(Activation activation) {
  switch (activation) {
    case Activation::kQuickGelu:
      return "quick_gelu";
    case Activation::kGelu:
      return "gelu";
    case Activation::kGeluTanh:
      return "gelu_pytorch_tanh";
    case Activation::kSilu:
      return "silu";
  }
  check_failed("activation", __FILE__, __LINE__, "no such activation");
}

ResidualBlockImpl::ResidualBlockImpl(const BlockConfig& config) : config(config) {
  const int64_t width = config.width;
  ln_1 = register_module("ln_1", LayerNorm(width, config.layer_norm_epsilon));
  ln_2 = register_module("ln_2", LayerNorm(width, config.layer_norm_epsilon));
  const auto attention = register_group(*this, "attn");
  in_proj_weight = attention->register_parameter("in_proj_weight", torch::empty({3 * width, width}));
  if (config.has_qkv_bias) in_proj_bias = attention->register_parameter("in_proj_bias", torch::empty({3 * width}));
  out_proj = attention->register_module("out_proj", Linear(width, width));
  const auto mlp = register_group(*this, "mlp");
  c_fc = mlp->register_module("c_fc", Linear(width, (config.has_gated_mlp ? 2 : 1) * config.mlp_width));
  c_proj = mlp->register_module("c_proj", Linear(config.mlp_width, width));
  if (!config.has_layer_scale) return;
  scale_1 = register_group(*this, "ls_1")->register_parameter("gamma", torch::empty({width}));
  scale_2 = register_group(*this, "ls_2")->register_parameter("gamma", torch::empty({width}));
}

torch::Tensor ResidualBlockImpl::attend(const torch::Tensor& x) {
  const int64_t sequences = x.size(0), tokens = x.size(1), width = x.size(2);
  const torch::Tensor qkv = product(x, in_proj_weight, in_proj_bias)  // [M, L, 3C]
                                .view({sequences, tokens, 3, config.heads, width / config.heads})
                                .permute({2, 0, 3, 1, 4});  // [3, M, heads, L, C/heads]
  const torch::Tensor attended = torch::scaled_dot_product_attention(qkv[0], qkv[1], qkv[2], {}, 0.0, config.is_causal);
  return attended.transpose(1, 2).reshape({sequences, tokens, width});
}

torch::Tensor ResidualBlockImpl::feed(const torch::Tensor& x) {
  if (!config.has_gated_mlp) return activated_product(x, c_fc->weight, c_fc->bias, config.activation);
  const std::vector<torch::Tensor> halves = product(x, c_fc->weight, c_fc->bias).chunk(2, -1);
  return torch::silu(halves[0]) * halves[1];
}

void ResidualBlockImpl::fold() {
  const torch::NoGradGuard no_grad;
  const auto fold_scale = [](torch::Tensor& scale, Linear& layer) {
    if (!scale.defined()) return;
    layer->weight.mul_(scale.unsqueeze(1));
    layer->bias.mul_(scale);
    scale.fill_(1);  // for whoever saves the module
    scale = torch::Tensor();
  };
  fold_scale(scale_1, out_proj);
  fold_scale(scale_2, c_proj);
  if (config.activation != Activation::kQuickGelu || config.has_gated_mlp) return;
  c_fc->weight.mul_(kQuickGeluScale);
  c_fc->bias.mul_(kQuickGeluScale);
  c_proj->weight.div_(kQuickGeluScale);
  config.activation = Activation::kSilu;
}

torch::Tensor ResidualBlockImpl::forward(torch::Tensor x) {
  const auto add = [](const torch::Tensor& x, const torch::Tensor& seen, const Linear& layer,
                      const torch::Tensor& scale) {
    if (scale.defined()) return x + product(seen, layer->weight, layer->bias) * scale;
    return sum_with_product(x, seen, layer->weight, layer->bias);
  };
  x = add(x, attend(ln_1(x)), out_proj, scale_1);  // [M, L, C]
  return add(x, feed(ln_2(x)), c_proj, scale_2);   // [M, L, C]
}

}  // namespace permafrost::core
