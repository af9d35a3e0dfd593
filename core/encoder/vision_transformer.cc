#include "core/encoder/vision_transformer.h"

#include <torch/torch.h>

#include "core/base/error.h"

namespace permafrost::core {

namespace F = torch::nn::functional;

torch::Tensor quick_gelu(const torch::Tensor& x) { return x * torch::sigmoid(1.702 * x); }

namespace {

torch::Tensor activate(const torch::Tensor& x, Activation activation) {
  return activation == Activation::kQuickGelu ? quick_gelu(x) : F::gelu(x);
}

torch::nn::LayerNorm layer_norm(const VisionConfig& config) {
  return torch::nn::LayerNorm(torch::nn::LayerNormOptions({config.width}).eps(config.layer_norm_epsilon));
}

}  // namespace

ResidualBlockImpl::ResidualBlockImpl(const VisionConfig& config) : heads(config.heads), activation(config.activation) {
  const int64_t width = config.width;
  ln_1 = register_module("ln_1", layer_norm(config));
  ln_2 = register_module("ln_2", layer_norm(config));
  auto attention = std::make_shared<torch::nn::Module>("attn");
  in_proj_weight = attention->register_parameter("in_proj_weight", torch::empty({3 * width, width}));
  in_proj_bias = attention->register_parameter("in_proj_bias", torch::zeros({3 * width}));
  out_proj = attention->register_module("out_proj", torch::nn::Linear(width, width));
  register_module("attn", attention);
  auto mlp = std::make_shared<torch::nn::Module>("mlp");
  c_fc = mlp->register_module("c_fc", torch::nn::Linear(width, config.mlp_width));
  c_proj = mlp->register_module("c_proj", torch::nn::Linear(config.mlp_width, width));
  register_module("mlp", mlp);
}

torch::Tensor ResidualBlockImpl::forward(torch::Tensor x) {
  const int64_t images = x.size(0), tokens = x.size(1), width = x.size(2);
  const torch::Tensor qkv = F::linear(ln_1(x), in_proj_weight, in_proj_bias)  // [M, L, 3C]
                                .view({images, tokens, 3, heads, width / heads})
                                .permute({2, 0, 3, 1, 4});  // [3, M, heads, L, C/heads]
  const torch::Tensor attended = torch::scaled_dot_product_attention(qkv[0], qkv[1], qkv[2]);
  x = x + out_proj(attended.transpose(1, 2).reshape({images, tokens, width}));  // [M, L, C]
  return x + c_proj(activate(c_fc(ln_2(x)), activation));                       // [M, L, C]
}

VisionTransformerImpl::VisionTransformerImpl(const VisionConfig& config) : config(config) {
  const int64_t width = config.width;
  conv1 = register_module(
      "conv1",
      torch::nn::Conv2d(torch::nn::Conv2dOptions(3, width, config.patch_size).stride(config.patch_size).bias(false)));
  class_embedding = register_parameter("class_embedding", torch::empty({width}));
  positional_embedding = register_parameter("positional_embedding", torch::empty({config.tokens(), width}));
  ln_pre = register_module("ln_pre", layer_norm(config));
  auto resblocks = std::make_shared<torch::nn::Module>("resblocks");
  for (int64_t i = 0; i < config.layers; ++i) {
    blocks.push_back(resblocks->register_module(std::to_string(i), ResidualBlock(config)));
  }
  auto transformer = std::make_shared<torch::nn::Module>("transformer");
  transformer->register_module("resblocks", resblocks);
  register_module("transformer", transformer);
  ln_post = register_module("ln_post", layer_norm(config));
  proj = register_parameter("proj", torch::empty({width, config.embedding}));

  torch::NoGradGuard no_grad;
  const double scale = 1.0 / std::sqrt(static_cast<double>(width));
  for (torch::Tensor parameter : {class_embedding, positional_embedding, proj}) parameter.normal_(0.0, scale);
  for (ResidualBlock& block : blocks) block->in_proj_weight.normal_(0.0, scale);
}

std::vector<torch::Tensor> VisionTransformerImpl::forward(const torch::Tensor& pixels) {
  const int64_t images = pixels.size(0);
  torch::Tensor x = conv1(pixels).flatten(2).transpose(1, 2);       // [M, g*g, C]
  x = torch::cat({class_embedding.expand({images, 1, -1}), x}, 1);  // [M, L, C]
  x = ln_pre(x + positional_embedding);                             // [M, L, C]
  std::vector<torch::Tensor> layers;
  layers.reserve(blocks.size());
  for (ResidualBlock& block : blocks) layers.push_back(x = block(x));
  return layers;
}

torch::Tensor VisionTransformerImpl::embed(const torch::Tensor& last_layer) {
  return torch::matmul(ln_post(last_layer.select(1, 0)), proj);  // [M, e]
}

torch::Tensor normalise_pixels(const torch::Tensor& pixels) {
  const auto options = torch::TensorOptions().dtype(torch::kFloat32).device(pixels.device());
  const torch::Tensor mean = torch::tensor({0.48145466f, 0.4578275f, 0.40821073f}, options).view({3, 1, 1});
  const torch::Tensor deviation = torch::tensor({0.26862954f, 0.26130258f, 0.27577711f}, options).view({3, 1, 1});
  return pixels.to(torch::kFloat32).div_(255.0).sub_(mean).div_(deviation);
}

}  // namespace permafrost::core
