// The frozen spatial encoder: a CLIP-shaped Vision Transformer that returns the residual stream after every block
// (DiST Sec. 3.2; MODEL.md "Spatial encoder").
//
//   VisionTransformer encoder(config);
//   std::vector<torch::Tensor> layers = encoder->forward(normalise_pixels(frames_u8));   // N x [M, L, C]
//
// Children are named as in OpenAI's CLIP (`visual.` stripped). The module itself is an ordinary trainable one, so that
// `permafrost demo` can train it on still images; FrozenEncoder (frozen_encoder.h) is the one that lets no gradient in.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/encoder/layers.h"
#include "core/encoder/residual_block.h"

namespace permafrost::core {

struct VisionConfig {
  int64_t image_size = 224;
  int64_t patch_size = 16;
  int64_t width = 768;  // C
  int64_t layers = 12;  // N
  int64_t heads = 12;
  int64_t mlp_width = 3072;
  int64_t embedding = 512;  // e; width of `proj`
  Activation activation = Activation::kQuickGelu;
  double layer_norm_epsilon = 1e-5;

  int64_t grid() const { return image_size / patch_size; }  // g
  int64_t tokens() const { return grid() * grid() + 1; }    // L, class token first
  BlockConfig block() const;
};

struct VisionTransformerImpl : torch::nn::Module {
  explicit VisionTransformerImpl(const VisionConfig& config);

  // pixels float [M, 3, S, S], normalised -> the residual stream after each block, N x [M, L, C], class token first.
  std::vector<torch::Tensor> forward(const torch::Tensor& pixels);
  // CLIP's image embedding from the last layer [M, L, C] -> [M, e]: ln_post of the class token, times proj.
  torch::Tensor embed(const torch::Tensor& last_layer);

  VisionConfig config;
  Convolution conv1{nullptr};
  torch::Tensor class_embedding, positional_embedding, proj;  // [C], [L, C], [C, e]
  LayerNorm ln_pre{nullptr}, ln_post{nullptr};
  std::vector<ResidualBlock> blocks;
};
TORCH_MODULE(VisionTransformer);

// Draws every weight as CLIP does before training (normal, width^-1/2), as a function of `seed` and its name.
void initialise(VisionTransformer& encoder, uint64_t seed);

// uint8, or float in 0..255, [..., 3, H, W] -> float, (x / 255 - mean) / std with CLIP's constants.
torch::Tensor normalise_pixels(const torch::Tensor& pixels);

// Throws DataError, naming `where`, for a geometry no encoder can have.
void require_sound(const VisionConfig& config, const std::string& where);

// Writes a Hugging Face CLIP vision directory: config.json and model.safetensors with `vision_model.*` names.
void save_encoder(const std::string& directory, VisionTransformer& encoder);
// Reads such a directory. Throws DataError naming tensor, expected and found shape.
VisionTransformer load_encoder(const std::string& directory);

}  // namespace permafrost::core
