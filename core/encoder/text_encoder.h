// CLIP's text tower, frozen: token ids to embeddings, computed once per class name.
//
//   TextEncoder encoder("clip-vit-base-patch16");                       // or text weights alone, or a .safetensors
//   torch::Tensor embeddings = encoder.encode(tokenizer.tokenize(names));   // float32 [K, e]
//
// Children are named as in OpenAI's CLIP. Weights of any float type are computed with in float32.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/encoder/layers.h"
#include "core/encoder/residual_block.h"

namespace permafrost::core {

struct TextConfig {
  int64_t vocabulary = 49408;
  int64_t context = 77;  // L, tokens at most
  int64_t width = 512;   // C
  int64_t layers = 12;
  int64_t heads = 8;
  int64_t mlp_width = 2048;
  int64_t embedding = 512;  // e, that of the image tower
  Activation activation = Activation::kQuickGelu;
  double layer_norm_epsilon = 1e-5;
  // Where the text is pooled: at its first token with this id; -1: at its largest id, as OpenAI does, and transformers
  // for configs that still have the id 2, which never was the end of a text.
  int64_t end_id = -1;

  BlockConfig block() const;
};

// Throws DataError, naming `where`, for a geometry no text tower can have.
void require_sound(const TextConfig& config, const std::string& where);

struct TextTransformerImpl : torch::nn::Module {
  explicit TextTransformerImpl(const TextConfig& config);

  // ids int64 [K, l], l at most L, ended and padded -> embeddings [K, e], not normalised.
  torch::Tensor forward(const torch::Tensor& ids);

  TextConfig config;
  torch::Tensor token_embedding, positional_embedding, text_projection;  // [V, C], [L, C], [C, e]
  std::vector<ResidualBlock> blocks;
  LayerNorm ln_final{nullptr};
};
TORCH_MODULE(TextTransformer);

class TextEncoder {
 public:
  // `path`: a Hugging Face or OpenCLIP directory, or a safetensors file of OpenAI's or OpenCLIP's names (then heads
  // are 64 wide and the activation is QuickGELU, as OpenAI's). Throws IoError, or DataError naming tensor, expected
  // and found shape where one is missing, left over, misshapen or not finite.
  explicit TextEncoder(const std::string& path);

  const TextConfig& config() const { return transformer_->config; }
  // SHA-256 over the geometry and the weights, wherever the files lie and whatever names they use.
  const std::string& sha256() const { return sha256_; }
  // The logarithm of the scale of the logits: the checkpoint's, or ln(1/0.07), from which CLIP's training starts.
  double logit_scale() const { return logit_scale_; }

  // ids int64 [K, l] -> float32 [K, e], in batches, under inference mode. Throws DataError for an id that the
  // vocabulary of the weights does not have.
  torch::Tensor encode(const torch::Tensor& ids);

 private:
  TextTransformer transformer_{nullptr};
  double logit_scale_;
  std::string sha256_;
};

}  // namespace permafrost::core
