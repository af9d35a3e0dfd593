// Bilinear resizing without antialiasing, as the released models do it, of the pixels that are kept and no others.
// Internal to data/video.
//
//   const torch::Tensor pixels = resize_bilinear(frames, {0, 0, height, width}, 224, 298, {0, 37, 224, 224});
//
// Each kept pixel looks at four of the source, however large that is, and is computed in float and rounded once.
#pragma once

#include <torch/types.h>

#include <cstdint>

#include "data/video/transform.h"

namespace permafrost::data {

// `source` of every frame [F,3,H,W] (uint8), resized to height x width; of that the part `kept`. Both boxes must lie
// within. -> uint8 [F,3,kept.height,kept.width].
torch::Tensor resize_bilinear(const torch::Tensor& frames, const CropBox& source, int64_t height, int64_t width,
                              const CropBox& kept);

}  // namespace permafrost::data
