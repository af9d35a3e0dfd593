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
          .layer_norm_epsilon = layer_norm_epsilon,
          .has_qkv_bias = has_qkv_bias,
          .has_layer_scale = has_layer_scale,
          .has_gated_mlp = has_gated_mlp};
}

VisionTransformerImpl::VisionTransformerImpl(const VisionConfig& config) : config(config) {
  const int64_t width = config.width;
  const Kernel patch{config.patch_size, config.patch_size};
  conv1 = register_module("conv1", Convolution(3, width, patch, config.has_patch_bias));
  if (config.has_class_token) class_embedding = register_parameter("class_embedding", torch::empty({width}));
  if (config.registers > 0) {
    register_tokens = register_parameter("register_tokens", torch::empty({config.registers, width}));
  }
  positional_embedding = register_parameter("positional_embedding", torch::empty({config.positions(), width}));
  if (config.has_pre_norm) ln_pre = register_module("ln_pre", LayerNorm(width, config.layer_norm_epsilon));
  const auto transformer = register_group(*this, "transformer");
  blocks = register_list(*transformer, "resblocks", config.layers, [&] { return ResidualBlock(config.block()); });
  ln_post = register_module("ln_post", LayerNorm(width, config.layer_norm_epsilon));
  if (config.has_attention_pool) attention_pool = register_module("attention_pool", AttentionPool(config.block()));
  if (config.has_projection) proj = register_parameter("proj", torch::empty({width, config.embedding}));
}

// A convolution whose stride is its kernel. As one product on a GPU, where cuDNN takes ten times as long for it.
torch::Tensor VisionTransformerImpl::embed_patches(const torch::Tensor& pixels) {
  const int64_t patch = config.patch_size;
  if (!pixels.is_cuda()) return torch::conv2d(pixels, conv1->weight, conv1->bias, patch).flatten(2).transpose(1, 2);
  const int64_t rows = pixels.size(2) / patch, columns = pixels.size(3) / patch;
  const torch::Tensor patches = pixels.slice(2, 0, rows * patch)
                                    .slice(3, 0, columns * patch)
                                    .unflatten(2, {rows, patch})
                                    .unflatten(4, {columns, patch})
                                    .permute({0, 2, 4, 1, 3, 5});  // [M, rows, columns, 3, p, p]
  return torch::linear(patches.reshape({pixels.size(0), rows * columns, -1}), conv1->weight.flatten(1), conv1->bias);
}

torch::Tensor VisionTransformerImpl::stem(const torch::Tensor& pixels) {
  const int64_t images = pixels.size(0);
  torch::Tensor x = embed_patches(pixels);                                                      // [M, n, C]
  if (config.has_class_token) x = torch::cat({class_embedding.expand({images, 1, -1}), x}, 1);  // [M, 1+n, C]
  x = x + positional_embedding;
  if (config.registers > 0) {  // [M, 1+R+n, C]
    x = torch::cat({x.slice(1, 0, 1), register_tokens.expand({images, -1, -1}), x.slice(1, 1)}, 1);
  }
  return config.has_pre_norm ? ln_pre(x) : x;
}

torch::Tensor VisionTransformerImpl::as_returned(const torch::Tensor& tokens) const {
  if (!config.has_class_token) return torch::cat({tokens.mean(1, /*keepdim=*/true), tokens}, 1);
  if (config.registers == 0) return tokens;
  return torch::cat({tokens.slice(1, 0, 1), tokens.slice(1, 1 + config.registers)}, 1);
}

torch::Tensor VisionTransformerImpl::as_entering(const torch::Tensor& layer) const {
  PERMAFROST_CHECK(can_continue(), "registers are not kept");
  return config.has_class_token ? layer : layer.slice(1, 1);
}

std::vector<torch::Tensor> VisionTransformerImpl::forward(const torch::Tensor& pixels) {
  torch::Tensor x = stem(pixels);  // [M, T, C]
  std::vector<torch::Tensor> layers;
  layers.reserve(blocks.size());
  for (ResidualBlock& block : blocks) layers.push_back(as_returned(x = block(x)));  // [M, L, C]
  return layers;
}

torch::Tensor VisionTransformerImpl::embed(const torch::Tensor& last_layer) {
  if (config.has_attention_pool) return attention_pool(ln_post(last_layer.slice(1, 1)));  // [M, C]
  const torch::Tensor embedding = ln_post(last_layer.select(1, 0));                       // [M, C]
  return config.has_projection ? torch::matmul(embedding, proj) : embedding;              // [M, e]
}

void initialise(VisionTransformer& encoder, uint64_t seed) {
  torch::NoGradGuard no_grad;
  const auto inverse_root = [](int64_t size) { return 1.0 / std::sqrt(static_cast<double>(size)); };
  for (const auto& item : encoder->named_parameters()) {
    const std::string& name = item.key();
    torch::Tensor parameter = item.value();
    auto generator = at::make_generator<at::CPUGeneratorImpl>(RandomStream(seed, {stable_hash(name)}).next());
    const bool is_token = name == "class_embedding" || name == "positional_embedding" || name == "proj";
    if (is_token || name.ends_with("in_proj_weight")) {
      parameter.normal_(0.0, inverse_root(encoder->config.width), generator);
    } else if (parameter.dim() == 1) {
      parameter.fill_(name.ends_with("weight") ? 1.0 : 0.0);  // LayerNorm 1 and 0; biases 0
    } else {
      const double bound = inverse_root(parameter.numel() / parameter.size(0));  // of the values that enter an output
      parameter.uniform_(-bound, bound, generator);
    }
  }
}

void require_sound(const VisionConfig& config, const std::string& where) {
  constexpr int64_t kMost = 1 << 20;
  for (const int64_t size : {config.image_size, config.patch_size, config.width, config.layers, config.heads,
                             config.mlp_width, config.embedding, config.registers + 1}) {
    if (size < 1 || size > kMost) throw DataError(where + ": a size of " + std::to_string(size) + " makes no encoder");
  }
  if (config.image_size < config.patch_size) {
    throw DataError(where + ": image_size " + std::to_string(config.image_size) + " is less than patch_size " +
                    std::to_string(config.patch_size));
  }
  if (config.width % config.heads != 0) {
    throw DataError(where + ": hidden_size " + std::to_string(config.width) + " is no multiple of " +
                    std::to_string(config.heads) + " heads");
  }
}

}  // namespace permafrost::core
