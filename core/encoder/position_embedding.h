// Learnt positions of one image size made into those of another.
//
//   torch::Tensor positions = resize_positions(stored, /*class_tokens=*/1, /*grid=*/24, PositionResize::kBicubic);
#pragma once

#include <torch/types.h>

#include <cstdint>

namespace permafrost::core {

// How each family does it, as transformers does (interpolate_pos_encoding; align_corners is false in all):
// CLIP, SigLIP, ViT and DINOv2 without registers are bicubic without antialiasing; DINOv2 with registers is bicubic
// with it; SigLIP 2 (Siglip2VisionModel) bilinear with it. CLIP is read the same way under whichever names it comes
// (OpenCLIP's own code would antialias when it shrinks).
enum class PositionResize { kBicubic, kBicubicAntialias, kBilinearAntialias };

// [class_tokens + g*g, C] -> float32 [class_tokens + grid*grid, C]; the class token's position stays.
torch::Tensor resize_positions(const torch::Tensor& positions, int64_t class_tokens, int64_t grid, PositionResize how);

}  // namespace permafrost::core
