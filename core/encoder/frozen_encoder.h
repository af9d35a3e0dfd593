// The encoder as DiST uses it: frozen. No gradient enters it, because it runs under inference mode and its parameters
// are reachable by nobody.
//
//   FrozenEncoder encoder("runs/quickstart/encoder");
//   torch::Tensor features = encoder.encode(frames_u8);   // [N, M, L, C]
#pragma once

#include <string>

#include "core/encoder/vision_transformer.h"

namespace permafrost::core {

class FrozenEncoder {
 public:
  // Reads a Hugging Face CLIP directory. Throws DataError or IoError.
  explicit FrozenEncoder(const std::string& directory);

  const VisionConfig& config() const { return encoder_->config; }
  // SHA-256 over the geometry and the weights, by OpenAI names: what features depend on, wherever the files lie.
  const std::string& sha256() const { return sha256_; }

  // frames uint8 [M, 3, S, S] -> the residual stream after every block, float32 [N, M, L, C], class token first.
  torch::Tensor encode(const torch::Tensor& frames);

  // The image embedding CLIP itself makes of the last layer [M, L, C] -> [M, e].
  torch::Tensor embed(const torch::Tensor& last_layer);

 private:
  VisionTransformer encoder_;
  std::string sha256_;
};

}  // namespace permafrost::core
