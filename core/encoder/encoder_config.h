// What a weight directory says about its encoder, from whichever config it has.
//
//   EncoderDescription description = describe_hugging_face("clip/config.json");
//   VisionTransformer encoder(description.vision);
#pragma once

#include <string>

#include "core/checkpoint/safetensors.h"
#include "core/encoder/position_embedding.h"
#include "core/encoder/vision_transformer.h"

namespace permafrost::core {

struct EncoderDescription {
  VisionConfig vision;  // at the image size the stored positions are for
  PositionResize position_resize = PositionResize::kBicubic;
};

// Hugging Face's config.json, of a vision tower alone or of a whole model (`vision_config`): clip, siglip, siglip2,
// dinov2, dinov2_with_registers, vit. Fields left out have transformers' defaults. The mean and deviation of a
// preprocessor_config.json beside it win over the family's. Throws DataError naming file, field or model type.
EncoderDescription describe_hugging_face(const std::string& config_path);

// OpenCLIP's open_clip_config.json. Throws DataError where it describes a tower that is no plain ViT.
EncoderDescription describe_open_clip(const std::string& config_path);

// A file under OpenAI's names without a config: the geometry from the shapes of the tensors behind `prefix`, heads of
// 64 (80, 88 and 104 for OpenCLIP's H, g and G: widths 1280, 1408 and 1664), QuickGELU. Throws DataError.
EncoderDescription describe_by_shapes(const SafetensorsFile& weights, const std::string& prefix);

// quick_gelu, gelu, gelu_pytorch_tanh. Throws DataError naming `where`.
Activation activation_named(const std::string& name, const std::string& where);

}  // namespace permafrost::core
