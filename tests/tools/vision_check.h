// An encoder's folder against what its reference computed: config.json, model.safetensors, perhaps
// openai_names.safetensors (the same weights under OpenAI's names), and expected.safetensors with `input.pixel_values`,
// `hidden_states.i` (0: what enters the first block) and `output.image_embeds` (or `output.pooler_output`); perhaps
// once more under `other_size.` for another image size.
//
//   for (const auto& [what, error] : vision_errors("tests/golden/encoder_vit")) ...
#pragma once

#include <map>
#include <string>

namespace permafrost::testing {

// The worst errors relative to max|tensor|, by "hidden_states" and "image_embeds", each also with the beginnings
// "openai_names." and "other_size.". Throws what load_encoder() does.
std::map<std::string, double> vision_errors(const std::string& directory);

}  // namespace permafrost::testing
