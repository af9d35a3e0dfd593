// Which files of a folder hold an encoder.
//
//   const EncoderFiles files = find_encoder_files("clip-vit-large-patch14");
//   const SafetensorsFile weights = read_weights(files.weights);
#pragma once

#include <string>

#include "core/checkpoint/safetensors.h"

namespace permafrost::core {

struct EncoderFiles {
  std::string weights;              // a .safetensors file, or the index of a sharded one
  std::string hugging_face_config;  // config.json, or empty
  std::string open_clip_config;     // open_clip_config.json, or empty; at most one of the two is given
};

// `path` is a file of weights, whose config may lie beside it, or a folder with model.safetensors,
// model.safetensors.index.json, open_clip_model.safetensors or one other .safetensors file, looked for in this order.
// open_clip_model.safetensors goes by open_clip_config.json, all others by config.json where there is one.
// Throws IoError or DataError.
EncoderFiles find_encoder_files(const std::string& path);

// One file, or all the shards that an index (*.index.json) names. Throws IoError or DataError.
SafetensorsFile read_weights(const std::string& path);

}  // namespace permafrost::core
