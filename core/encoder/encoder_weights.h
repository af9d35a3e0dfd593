// Encoders in and out of files.
//
//   VisionTransformer encoder = load_encoder("clip-vit-large-patch14-336");
//   VisionTransformer larger = load_encoder("dinov2-base", {.image_size = 224});   // positions interpolated
//   save_encoder("runs/quickstart/encoder", encoder);                              // CLIP-shaped ones
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "core/encoder/vision_transformer.h"

namespace permafrost::core {

struct EncoderOptions {
  int64_t image_size = 0;                // pixels; 0: the encoder's own; else a multiple of its patch
  std::optional<Activation> activation;  // instead of the config's; a bare file without one has QuickGELU
  // Of FrozenEncoder's forward: float32, bfloat16 or float16. load_encoder() itself always gives float32.
  torch::ScalarType dtype = torch::kFloat32;
  torch::Device device = torch::kCPU;  // likewise, where it computes
};

// Reads, as float32 whatever the stored type:
// - a Hugging Face folder (config.json; model.safetensors or its shards) of CLIP, SigLIP, SigLIP 2, DINOv2 with or
//   without registers, or ViT, alone or with a text tower or a classifier, which are left aside;
// - OpenAI's or OpenCLIP's names (`visual.*`): a folder with open_clip_config.json or config.json, or a bare file.
// Every tensor of the vision tower must be used. Throws DataError naming tensor, expected and found shape, IoError, and
// ConfigError for an image size that is no multiple of the patch.
VisionTransformer load_encoder(const std::string& path, const EncoderOptions& options = {});

// Writes a Hugging Face CLIP vision directory: model.safetensors with `vision_model.*` names, then config.json. Throws
// ConfigError for an encoder of another family.
void save_encoder(const std::string& directory, VisionTransformer& encoder);

}  // namespace permafrost::core
