#include "data/video/augment.h"

#include <sstream>

#include "core/base/error.h"

namespace permafrost::data {
namespace {

void require_range(const char* name, double low, double high, double most) {
  if (low > 0 && low <= high && high <= most) return;
  std::ostringstream text;
  text << "augmentation: " << name << "_min " << low << " and " << name << "_max " << high
       << ", expected 0 < min <= max" << (most == 1 ? " <= 1" : "");
  throw core::ConfigError(text.str());
}

void require_probability(const char* name, double value) {
  if (value >= 0 && value <= 1) return;
  std::ostringstream text;
  text << "augmentation: " << name << " is " << value << ", expected a probability from 0 to 1";
  throw core::ConfigError(text.str());
}

}  // namespace

void require_sound(const AugmentOptions& options) {
  require_range("crop_scale", options.crop.scale_low, options.crop.scale_high, 1);
  require_range("crop_ratio", options.crop.ratio_low, options.crop.ratio_high, 100);
  require_probability("flip", options.flip);
  require_probability("grayscale", options.grayscale);
  require_probability("jitter", options.jitter);
}

Augmentation draw_augmentation(const AugmentOptions& options, int64_t height, int64_t width,
                               core::RandomStream random) {
  Augmentation drawn;
  drawn.is_grayscale = random.uniform() < options.grayscale;
  drawn.is_flipped = random.uniform() < options.flip;
  const bool is_jittered = random.uniform() < options.jitter;
  const ColourJitter jitter = draw_colour_jitter(core::RandomStream(random.next(), {}));
  if (is_jittered) drawn.jitter = jitter;
  drawn.crop = sample_crop_box(height, width, core::RandomStream(random.next(), {}), options.crop);
  return drawn;
}

// Colour jitter looks at the whole frame; everything else can be done to the box alone, with the same result.
torch::Tensor augment(const torch::Tensor& frames, const Augmentation& augmentation, const TransformOptions& options) {
  const CropBox& box = augmentation.crop;
  const int64_t left = augmentation.is_flipped ? frames.size(3) - box.left - box.width : box.left;
  torch::Tensor pixels = frames;
  if (augmentation.jitter.is_on()) {
    if (augmentation.is_grayscale) pixels = to_grayscale(pixels);
    pixels = jitter_colours(pixels, augmentation.jitter);
  }
  pixels = pixels.narrow(2, box.top, box.height).narrow(3, left, box.width);  // [F,3,h,w]
  if (augmentation.is_grayscale && !augmentation.jitter.is_on()) pixels = to_grayscale(pixels);
  if (augmentation.is_flipped) pixels = pixels.flip(3);
  return crop_and_resize(pixels, {0, 0, box.height, box.width}, options);
}

}  // namespace permafrost::data
