// Colours of training clips (MODEL.md "Recipe"): grey frames and colour jitter, alike for every frame of a clip.
//
//   torch::Tensor grey = to_grayscale(frames);
//   const ColourJitter jitter = draw_colour_jitter(random);
//   torch::Tensor pixels = jitter_colours(frames, jitter);
//
// Frames are uint8 [F,3,H,W]; anything else throws ConfigError. Both compute in float in [0, 1] and round once, at the
// end, one frame at a time, so that a long clip never stands in memory as float.
#pragma once

#include <torch/types.h>

#include <array>
#include <cstdint>

#include "core/base/random.h"

namespace permafrost::data {

// .299 red + .587 green + .114 blue in all three channels, as the released code weighs them.
torch::Tensor to_grayscale(const torch::Tensor& frames);  // uint8 [F,3,H,W]

// Factors and order of torchvision's adjust_brightness, adjust_contrast, adjust_saturation and adjust_hue.
struct ColourJitter {
  float brightness = 1;                      // times every value
  float contrast = 1;                        // 0: the frame's mean grey, 1: as it is
  float saturation = 1;                      // 0: grey, 1: as it is
  float hue = 0;                             // turns of the colour circle, -.5 to .5
  std::array<uint8_t, 4> order{0, 1, 2, 3};  // in which the four are done, by their place above

  bool is_on() const { return brightness != 1 || contrast != 1 || saturation != 1 || hue != 0; }
  bool operator==(const ColourJitter&) const = default;
};

// Brightness and contrast from [.6, 1.4], saturation from [.8, 1.2], hue from [-.1, .1], in a random order.
ColourJitter draw_colour_jitter(core::RandomStream random);

torch::Tensor jitter_colours(const torch::Tensor& frames, const ColourJitter& jitter);  // uint8 [F,3,H,W]

}  // namespace permafrost::data
