// The frozen spatial encoder: a Vision Transformer that returns the residual stream after every block (DiST Sec. 3.2;
// MODEL.md "Spatial encoder").
//
//   VisionTransformer encoder(config);
//   std::vector<torch::Tensor> layers = encoder->forward(normalise_pixels(frames_u8, config.pixels));   // N x [M, L,
//   C]
//
// One class for CLIP, DINOv2, SigLIP and plain ViT: what they differ in is VisionConfig's options; encoder_weights.h
// reads them from files. Children are named as in OpenAI's CLIP (`visual.` stripped). The module itself is an ordinary
// trainable one, so that `permafrost demo` can train it on still images; FrozenEncoder (frozen_encoder.h) is the one
// that lets no gradient in.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/encoder/attention_pool.h"
#include "core/encoder/layers.h"
#include "core/encoder/pixels.h"
#include "core/encoder/residual_block.h"

namespace permafrost::core {

// The defaults are CLIP's ViT-B/16.
struct VisionConfig {
  int64_t image_size = 224;
  int64_t patch_size = 16;
  int64_t width = 768;  // C
  int64_t layers = 12;  // N
  int64_t heads = 12;
  int64_t mlp_width = 3072;
  int64_t embedding = 512;  // e, of the image embedding: width of `proj`; C where there is none
  Activation activation = Activation::kQuickGelu;
  double layer_norm_epsilon = 1e-5;

  bool has_class_token = true;  // SigLIP has none: the mean of the patch tokens stands in for it in what is returned
  int64_t registers = 0;        // DINOv2's: behind the class token, without positions, left out of what is returned
  bool has_patch_bias = false;
  bool has_pre_norm = true;         // ln_pre
  bool has_projection = true;       // proj
  bool has_attention_pool = false;  // SigLIP's image embedding (attention_pool.h)
  bool has_qkv_bias = true;
  bool has_layer_scale = false;
  bool has_gated_mlp = false;
  PixelNormalisation pixels;

  int64_t grid() const { return image_size / patch_size; }                           // g
  int64_t tokens() const { return grid() * grid() + 1; }                             // L, class token first
  int64_t positions() const { return grid() * grid() + (has_class_token ? 1 : 0); }  // learnt position embeddings
  BlockConfig block() const;
};

struct VisionTransformerImpl : torch::nn::Module {
  explicit VisionTransformerImpl(const VisionConfig& config);

  // pixels float [M, 3, S, S], normalised -> the residual stream after each block, N x [M, L, C], class token first.
  std::vector<torch::Tensor> forward(const torch::Tensor& pixels);
  // What enters the first block: [M, T, C], T = class token if any, registers, patches.
  torch::Tensor stem(const torch::Tensor& pixels);
  // Whether what is returned of a layer is all that enters the next: not where registers are left out.
  bool can_continue() const { return config.registers == 0; }
  // What is returned of a layer [M, L, C] -> what enters the next block [M, T, C].
  torch::Tensor as_entering(const torch::Tensor& layer) const;
  // The family's image embedding from the last layer [M, L, C] -> [M, e]. CLIP: ln_post of the class token, times proj;
  // DINOv2 and ViT: ln_post of the class token; SigLIP: ln_post and attention pooling of the patch tokens.
  torch::Tensor embed(const torch::Tensor& last_layer);

  VisionConfig config;
  Convolution conv1{nullptr};
  torch::Tensor class_embedding, register_tokens;  // [C], [R, C], or undefined
  torch::Tensor positional_embedding;              // [positions, C]
  LayerNorm ln_pre{nullptr}, ln_post{nullptr};     // ln_pre may be empty
  std::vector<ResidualBlock> blocks;
  AttentionPool attention_pool{nullptr};  // may be empty
  torch::Tensor proj;                     // [C, e], or undefined

  torch::Tensor as_returned(const torch::Tensor& tokens) const;  // [M, T, C] -> [M, L, C]

 private:
  torch::Tensor embed_patches(const torch::Tensor& pixels);  // [M, n, C]
};
TORCH_MODULE(VisionTransformer);

// Draws every weight for training from nothing, as a function of `seed` and its name: tokens, positions and projections
// of attention normal width^-1/2, other weights uniform within fan-in^-1/2, biases 0.
void initialise(VisionTransformer& encoder, uint64_t seed);

// Throws DataError, naming `where`, for a geometry no encoder can have.
void require_sound(const VisionConfig& config, const std::string& where);

}  // namespace permafrost::core
