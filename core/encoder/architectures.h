// The CLIP vision towers that published models use, by name.
//
//   const VisionConfig config = architecture_named("vit_l14");
#pragma once

#include <string>
#include <vector>

#include "core/encoder/vision_transformer.h"

namespace permafrost::core {

// "vit_b32", "vit_b16", "vit_l14", "vit_l14_336", "vit_h14".
const std::vector<std::string>& architecture_names();

// Throws ConfigError for another name.
VisionConfig architecture_named(const std::string& name);

}  // namespace permafrost::core
