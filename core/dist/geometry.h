// The geometry of a DistNet as its weights tell it, for checkpoints that carry no description of themselves.
//
//   DistConfig config = geometry_of(tensors, /*image_size=*/224, "released.safetensors");
#pragma once

#include <torch/types.h>

#include <map>
#include <string>

#include "core/dist/dist_config.h"

namespace permafrost::core {

// `tensors` by names below a DistNet ("temporal_stem.weight", ...). The image size leaves no trace in the weights.
// Throws DataError naming `where` and the first tensor that is missing or has too few dimensions.
DistConfig geometry_of(const std::map<std::string, torch::Tensor>& tensors, int64_t image_size,
                       const std::string& where);

}  // namespace permafrost::core
