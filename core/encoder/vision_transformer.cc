#include "core/encoder/vision_transformer.h"

#include <ATen/CPUGeneratorImpl.h>

#include <cmath>

#include "core/base/error.h"
#include "core/base/random.h"

namespace permafrost::core {

BlockConfig VisionConfig::block() const {
  return {.width = width,
          .heads = heads,
          .mlp_width = mlp_width,
          .activation = activation,
          .layer_norm_epsilon = layer_norm_epsilon};
}

VisionTransformerImpl::VisionTransformerImpl(const VisionConfig& config) : config(config) {
  const int64_t width = config.width;
  const Kernel patch{config.patch_size, config.patch_size};
  conv1 = register_module("conv1", Convolution(3, width, patch, /*has_bias=*/false));
  class_embedding = register_parameter("class_embedding", torch::empty({width}));
  positional_embedding = register_parameter("positional_embedding", torch::empty({config.tokens(), width}));
  ln_pre = register_module("ln_pre", LayerNorm(width, config.layer_norm_epsilon));
  const auto transformer = register_group(*this, "transformer");
  blocks = register_list(*transformer, "resblocks", config.layers, [&] { return ResidualBlock(config.block()); });
  ln_post = register_module("ln_post", LayerNorm(width, config.layer_norm_epsilon));
  proj = register_parameter("proj", torch::empty({width, config.embedding}));
}

std::vector<torch::Tensor> VisionTransformerImpl::forward(const torch::Tensor& pixels) {
  const int64_t images = pixels.size(0);
  torch::Tensor x = torch::conv2d(pixels, conv1->weight, {}, config.patch_size);
  x = x.flatten(2).transpose(1, 2);                                 // [M, g*g, C]
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

void initialise(VisionTransformer& encoder, uint64_t seed) {
  torch::NoGradGuard no_grad;
  const double scale = 1.0 / std::sqrt(static_cast<double>(encoder->config.width));
  for (const auto& item : encoder->named_parameters()) {
    torch::Tensor parameter = item.value();
    auto generator = at::make_generator<at::CPUGeneratorImpl>(RandomStream(seed, {stable_hash(item.key())}).next());
    if (parameter.dim() == 1 && item.key() != "class_embedding") {
      parameter.fill_(item.key().ends_with("weight") ? 1.0 : 0.0);  // LayerNorm 1 and 0; biases 0
    } else {
      parameter.normal_(0.0, scale, generator);
    }
  }
}

torch::Tensor normalise_pixels(const torch::Tensor& pixels) {
  const auto options = torch::TensorOptions().dtype(torch::kFloat32).device(pixels.device());
  const torch::Tensor mean = torch::tensor({0.48145466f, 0.4578275f, 0.40821073f}, options).view({3, 1, 1});
  const torch::Tensor deviation = torch::tensor({0.26862954f, 0.26130258f, 0.27577711f}, options).view({3, 1, 1});
  return pixels.to(torch::kFloat32, /*non_blocking=*/false, /*copy=*/true).div_(255.0).sub_(mean).div_(deviation);
}

}  // namespace permafrost::core
