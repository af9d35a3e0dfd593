#include "data/video/colour.h"

#include <functional>
#include <sstream>

#include "core/base/error.h"

namespace permafrost::data {
namespace {

constexpr double kStrength[4] = {0.4, 0.4, 0.2, 0.1};  // brightness, contrast, saturation, hue

void require_frames(const torch::Tensor& frames) {
  if (frames.defined() && frames.scalar_type() == torch::kUInt8 && frames.dim() == 4 && frames.size(1) == 3) return;
  std::ostringstream text;
  text << "colour: expected frames as uint8 [F,3,H,W], found ";
  if (frames.defined()) {
    text << frames.scalar_type() << ' ' << frames.sizes();
  } else {
    text << "no tensor";
  }
  throw core::ConfigError(text.str());
}

// `change` maps a frame [3,H,W] in [0, 1] to one of the same shape.
torch::Tensor for_each_frame(const torch::Tensor& frames, const std::function<torch::Tensor(torch::Tensor)>& change) {
  require_frames(frames);
  torch::Tensor result = torch::empty(frames.sizes(), torch::kUInt8);
  for (int64_t f = 0; f < frames.size(0); ++f) {
    result[f].copy_(change(frames[f].to(torch::kFloat32).div_(255)).mul_(255).round_().clamp_(0, 255));
  }
  return result;
}

torch::Tensor grey_of(const torch::Tensor& frame, double red) {  // [3,H,W] -> [1,H,W]
  return (red * frame[0] + 0.587 * frame[1] + 0.114 * frame[2]).unsqueeze(0);
}

// factor * frame + (1 - factor) * other
torch::Tensor blend(const torch::Tensor& frame, const torch::Tensor& other, double factor) {
  return (factor * frame + (1 - factor) * other).clamp_(0, 1);
}

// Torchvision's grey has the weight .2989 for red.
torch::Tensor torchvision_grey(const torch::Tensor& frame) { return grey_of(frame, 0.2989); }

// The hue of each pixel in turns, [H,W]; 0 where there is none.
torch::Tensor hue_of(const torch::Tensor& frame, const torch::Tensor& highest, const torch::Tensor& range) {
  const torch::Tensor divisor = torch::where(range == 0, torch::ones_like(range), range);
  const torch::Tensor distance = (highest.unsqueeze(0) - frame) / divisor.unsqueeze(0);  // [3,H,W]
  const torch::Tensor red = distance[0], green = distance[1], blue = distance[2];
  const torch::Tensor is_red = frame[0] == highest, is_green = frame[1] == highest;
  const torch::Tensor sixths =
      torch::where(is_red, blue - green, torch::where(is_green, 2 + red - blue, 4 + green - red));
  return torch::fmod(sixths / 6 + 1, 1);
}

torch::Tensor turn_hue(const torch::Tensor& frame, double turns) {
  const torch::Tensor highest = frame.amax(0), range = highest - frame.amin(0);          // [H,W]
  const torch::Tensor hue = torch::remainder(hue_of(frame, highest, range) + turns, 1);  // [H,W]
  const auto channel = [&](double offset) {
    const torch::Tensor k = torch::remainder(hue * 6 + offset, 6);
    return highest - range * torch::minimum(k, 4 - k).clamp(0, 1);
  };
  return torch::stack({channel(5), channel(3), channel(1)});
}

torch::Tensor adjust(const torch::Tensor& frame, const ColourJitter& jitter, uint8_t what) {
  switch (what) {
    case 0:
      return (jitter.brightness * frame).clamp_(0, 1);
    case 1:
      return blend(frame, torchvision_grey(frame).mean(), jitter.contrast);
    case 2:
      return blend(frame, torchvision_grey(frame), jitter.saturation);
    default:
      return turn_hue(frame, jitter.hue);
  }
}

}  // namespace

torch::Tensor to_grayscale(const torch::Tensor& frames) {
  return for_each_frame(frames, [](const torch::Tensor& frame) { return grey_of(frame, 0.299).repeat({3, 1, 1}); });
}

ColourJitter draw_colour_jitter(core::RandomStream random) {
  ColourJitter jitter;
  jitter.brightness = static_cast<float>(random.uniform(1 - kStrength[0], 1 + kStrength[0]));
  jitter.contrast = static_cast<float>(random.uniform(1 - kStrength[1], 1 + kStrength[1]));
  jitter.saturation = static_cast<float>(random.uniform(1 - kStrength[2], 1 + kStrength[2]));
  jitter.hue = static_cast<float>(random.uniform(-kStrength[3], kStrength[3]));
  const std::vector<int64_t> order = core::permutation(4, random);
  for (size_t place = 0; place < 4; ++place) jitter.order[place] = static_cast<uint8_t>(order[place]);
  return jitter;
}

torch::Tensor jitter_colours(const torch::Tensor& frames, const ColourJitter& jitter) {
  return for_each_frame(frames, [&](torch::Tensor frame) {
    for (const uint8_t what : jitter.order) frame = adjust(frame, jitter, what);
    return frame;
  });
}

}  // namespace permafrost::data
