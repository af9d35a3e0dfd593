// What training does to the pixels of a clip (MODEL.md "Recipe"), drawn first and then applied, so that a record can
// say what was done to it.
//
//   const Augmentation drawn = draw_augmentation(options, height, width, RandomStream(seed, {video, view}));
//   torch::Tensor pixels = augment(frames.pixels, drawn, {.size = 224});
//
// In the order of the released code: grey, colour jitter, mirror, then a random box resized to the square. Every frame
// of a clip is treated alike.
#pragma once

#include <torch/types.h>

#include <string>

#include "core/base/random.h"
#include "data/video/colour.h"
#include "data/video/transform.h"

namespace permafrost::data {

struct AugmentOptions {
  CropRange crop;          // of the random resized crop
  double flip = 0.5;       // probability of the mirror image
  double grayscale = 0.2;  // probability of grey frames
  double jitter = 0;       // probability of colour jitter: 0 in every released config

  bool operator==(const AugmentOptions&) const = default;
};

// Throws ConfigError naming the value that makes no sense.
void require_sound(const AugmentOptions& options);

struct Augmentation {
  bool is_grayscale = false;
  ColourJitter jitter{};
  bool is_flipped = false;
  CropBox crop{};  // of the frame after mirroring
};

// A function of its arguments. Every part is drawn whether it is used or not, so that another probability of one part
// leaves the others as they were.
Augmentation draw_augmentation(const AugmentOptions& options, int64_t height, int64_t width, core::RandomStream random);

torch::Tensor augment(const torch::Tensor& frames,  // uint8 [F,3,H,W]
                      const Augmentation& augmentation,
                      const TransformOptions& options);  // uint8 [F,3,size,size]

}  // namespace permafrost::data
