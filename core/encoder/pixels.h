// How pixels enter a network: every family of encoders has a mean and a deviation of its own.
//
//   torch::Tensor x = normalise_pixels(frames_u8, encoder.config().pixels);   // [..., 3, H, W]
//   torch::Tensor y = normalise_pixels(frames_u8);                            // CLIP's constants
#pragma once

#include <torch/types.h>

#include <array>

namespace permafrost::core {

// Of red, green and blue in 0..1. The default is CLIP's.
struct PixelNormalisation {
  std::array<double, 3> mean{0.48145466, 0.4578275, 0.40821073};
  std::array<double, 3> deviation{0.26862954, 0.26130258, 0.27577711};

  bool operator==(const PixelNormalisation&) const = default;
};

// DINOv2's.
inline constexpr PixelNormalisation kImageNetPixels{{0.485, 0.456, 0.406}, {0.229, 0.224, 0.225}};
// SigLIP's and ViT's: -1 to 1.
inline constexpr PixelNormalisation kSymmetricPixels{{0.5, 0.5, 0.5}, {0.5, 0.5, 0.5}};

// uint8 [..., 3, H, W] -> float32, (x / 255 - mean) / deviation.
torch::Tensor normalise_pixels(const torch::Tensor& pixels, const PixelNormalisation& normalisation = {});

}  // namespace permafrost::core
