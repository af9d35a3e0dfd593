// Text towers as others store them, read into OpenAI's names.
//
//   const TextWeights weights = read_text_weights("clip-vit-base-patch16");
//   load_state(*transformer, weights.tensors, weights.where);
//
// Names read: Hugging Face's `text_model.*` and `text_projection.weight`; OpenAI's and OpenCLIP's, also behind `text.`
// or `module.`. The image tower beside them is passed over; any other tensor is refused.
#pragma once

#include <map>
#include <string>

#include "core/encoder/text_encoder.h"

namespace permafrost::core {

struct TextWeights {
  std::string where;  // the file, for messages
  TextConfig config;
  std::map<std::string, torch::Tensor> tensors;  // by OpenAI's names, in the stored float type
  double logit_scale = 0;                        // a logarithm; ln(1/0.07) where the file has none
};

// Throws IoError or DataError, as TextEncoder's constructor says.
TextWeights read_text_weights(const std::string& path);

// The geometry: from config.json (of CLIP, or of its text model), open_clip_config.json, or else from the shapes of
// `tensors`, which have OpenAI's names.
TextConfig read_text_config(const std::string& directory, const std::map<std::string, torch::Tensor>& tensors,
                            const std::string& where);

}  // namespace permafrost::core
