// The encoder as DiST uses it: frozen. No gradient enters it, because it runs under inference mode and its parameters
// are reachable by nobody.
//
//   FrozenEncoder encoder("runs/quickstart/encoder", {.dtype = torch::kBFloat16});
//   torch::Tensor features = encoder.encode(frames_u8);   // [N, M, L, C]
#pragma once

#include <string>
#include <vector>

#include "core/encoder/encoder_weights.h"
#include "core/encoder/vision_transformer.h"

namespace permafrost::core {

class FrozenEncoder {
 public:
  // Reads whatever load_encoder() does. Throws ConfigError, DataError or IoError.
  explicit FrozenEncoder(const std::string& path, const EncoderOptions& options = {});
  // Takes over an encoder that is in memory: its weights are changed and must be used by nobody else. Throws
  // ConfigError for a type it cannot run in.
  explicit FrozenEncoder(VisionTransformer encoder, torch::ScalarType dtype = torch::kFloat32,
                         torch::Device device = torch::kCPU);

  const VisionConfig& config() const { return encoder_->config; }
  // Of the forward; what is returned is float32 all the same.
  torch::ScalarType dtype() const { return dtype_; }
  // SHA-256 over geometry, image size, normalisation and weights, by OpenAI names: what features depend on, wherever
  // the files lie and whatever they are called. The type of the forward is not in it.
  const std::string& sha256() const { return sha256_; }

  // In these three what comes back lies on the device of what was given, wherever the encoder computes.

  // frames uint8 [M, 3, S, S] -> the residual stream after every block, float32 [N, M, L, C], class token first (for
  // families without one, the mean of the patch tokens). An ordinary tensor that no gradient leads to.
  torch::Tensor encode(const torch::Tensor& frames);
  // The layers `wanted`, ascending, float32 [wanted, M, L, C], of which `known` [known_layers, M, L, C] are there
  // already: a missing one is computed from the nearest known one before it, or from the frames, and no further block
  // is run. Known layers are handed on as they are.
  torch::Tensor complete(const torch::Tensor& frames, const torch::Tensor& known,
                         const std::vector<int64_t>& known_layers, const std::vector<int64_t>& wanted);
  // The last of those layers [M, L, C] -> the family's image embedding, float32 [M, e].
  torch::Tensor embed(const torch::Tensor& last_layer);

 private:
  VisionTransformer encoder_;
  std::string sha256_;
  torch::ScalarType dtype_;
  torch::Device device_;
};

}  // namespace permafrost::core
