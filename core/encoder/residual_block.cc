#include "core/encoder/residual_block.h"

#include "core/base/error.h"

namespace permafrost::core {

torch::Tensor activate(const torch::Tensor& x, Activation activation) {
  switch (activation) {
    case Activation::kQuickGelu:
      return quick_gelu(x);
    case Activation::kGelu:
      return torch::gelu(x);
    case Activation::kGeluTanh:
      return torch::gelu(x, "tanh");
    case Activation::kSilu:
      return torch::silu(x);
  }
  check_failed("activation", __FILE__, __LINE__, "no such activation");
}

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
  const torch::Tensor qkv = torch::linear(x, in_proj_weight, in_proj_bias)  // [M, L, 3C]
                                .view({sequences, tokens, 3, config.heads, width / config.heads})
                                .permute({2, 0, 3, 1, 4});  // [3, M, heads, L, C/heads]
  const torch::Tensor attended = torch::scaled_dot_product_attention(qkv[0], qkv[1], qkv[2], {}, 0.0, config.is_causal);
  return out_proj(attended.transpose(1, 2).reshape({sequences, tokens, width}));  // [M, L, C]
}

torch::Tensor ResidualBlockImpl::feed(const torch::Tensor& x) {
  torch::Tensor hidden = c_fc(x);  // [M, L, mlp_width], twice that with a gate
  if (!config.has_gated_mlp) {
    const bool is_in_place = config.activation == Activation::kSilu && !torch::GradMode::is_enabled();
    return c_proj(is_in_place ? torch::silu_(hidden) : activate(hidden, config.activation));
  }
  const std::vector<torch::Tensor> halves = hidden.chunk(2, -1);
  return c_proj(torch::silu(halves[0]) * halves[1]);
}

void ResidualBlockImpl::fold_activation() {
  if (config.activation != Activation::kQuickGelu || config.has_gated_mlp) return;
  const torch::NoGradGuard no_grad;
  c_fc->weight.mul_(kQuickGeluScale);
  c_fc->bias.mul_(kQuickGeluScale);
  c_proj->weight.div_(kQuickGeluScale);
  config.activation = Activation::kSilu;
}

torch::Tensor ResidualBlockImpl::forward(torch::Tensor x) {
  const auto scaled = [](const torch::Tensor& y, const torch::Tensor& scale) {
    return scale.defined() ? y * scale : y;
  };
  x = x + scaled(attend(ln_1(x)), scale_1);   // [M, L, C]
  return x + scaled(feed(ln_2(x)), scale_2);  // [M, L, C]
}

}  // namespace permafrost::core
