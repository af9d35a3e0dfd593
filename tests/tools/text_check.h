// A text tower's fixture: how far are our embeddings from the reference's?
//
//   const double error = permafrost::testing::worst_text_error("tests/golden/clip_text");
#pragma once

#include <string>

namespace permafrost::testing {

// `directory`: config.json, model.safetensors, expected.safetensors with `input.ids` int64 [M, 77] and
// `output.text_embeds` [M, e]. Returns the largest difference over the largest magnitude expected. Throws DataError or
// IoError.
double worst_text_error(const std::string& directory);

}  // namespace permafrost::testing
