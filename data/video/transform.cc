#include "data/video/transform.h"

#include <ATen/ops/_upsample_bicubic2d_aa.h>

#include <algorithm>
#include <cmath>
#include <sstream>

#include "core/base/error.h"
#include "data/video/bilinear.h"

namespace permafrost::data {
namespace {

void require_frames(const torch::Tensor& frames, const TransformOptions& options) {
  const bool is_frames = frames.defined() && frames.scalar_type() == torch::kUInt8 && frames.dim() == 4 &&
                         frames.size(1) == 3 && frames.size(0) > 0 && frames.size(2) > 0 && frames.size(3) > 0;
  if (!is_frames) {
    std::ostringstream found;
    if (frames.defined()) found << frames.scalar_type() << ' ' << frames.sizes();
    throw core::ConfigError("transform: expected frames as uint8 [F,3,H,W], found " +
                            (frames.defined() ? found.str() : "no tensor"));
  }
  if (options.size < 1) {
    throw core::ConfigError("transform: expected a size of 1 pixel or more, found " + std::to_string(options.size));
  }
}

// In uint8: columns, then rows, rounded in between, as Pillow does it.
torch::Tensor resize_bicubic(const torch::Tensor& frames, int64_t height, int64_t width) {
  if (frames.size(2) == height && frames.size(3) == width) return frames;
  return at::_upsample_bicubic2d_aa(frames.contiguous(), {height, width}, /*align_corners=*/false);
}

int64_t crop_offset(int64_t excess, CropPosition position, ResizeMode mode) {
  switch (position) {
    case CropPosition::kLeftTop:
      return 0;
    case CropPosition::kCentre:
      if (mode == ResizeMode::kBilinear) return excess / 2;
      return static_cast<int64_t>(std::nearbyint(static_cast<double>(excess) / 2));
    case CropPosition::kRightBottom:
      return excess;
  }
  return 0;
}

}  // namespace

ResizedCrop place_crop(int64_t height, int64_t width, const TransformOptions& options, CropPosition position) {
  const int64_t shorter = std::min(height, width);
  ResizedCrop crop;
  crop.height = height == shorter ? options.size : options.size * height / shorter;
  crop.width = width == shorter ? options.size : options.size * width / shorter;
  crop.top = crop_offset(crop.height - options.size, position, options.resize);
  crop.left = crop_offset(crop.width - options.size, position, options.resize);
  return crop;
}

torch::Tensor resize_and_crop(const torch::Tensor& frames, const TransformOptions& options, CropPosition position) {
  require_frames(frames, options);
  const ResizedCrop crop = place_crop(frames.size(2), frames.size(3), options, position);
  if (options.resize == ResizeMode::kBilinear) {
    return resize_bilinear(frames, {0, 0, frames.size(2), frames.size(3)}, crop.height, crop.width,
                           {crop.top, crop.left, options.size, options.size});  // [F,3,size,size]
  }
  const torch::Tensor resized = resize_bicubic(frames, crop.height, crop.width);  // [F,3,h,w]
  return resized.narrow(2, crop.top, options.size)
      .narrow(3, crop.left, options.size)
      .clone(torch::MemoryFormat::Contiguous);  // [F,3,size,size]
}

torch::Tensor crop_and_resize(const torch::Tensor& frames, const CropBox& box, const TransformOptions& options) {
  require_frames(frames, options);
  const bool fits = box.top >= 0 && box.left >= 0 && box.height > 0 && box.width > 0 &&
                    box.height <= frames.size(2) - box.top && box.width <= frames.size(3) - box.left;
  if (!fits) {
    std::ostringstream text;
    text << "transform: a crop of " << box.height << 'x' << box.width << " at row " << box.top << ", column "
         << box.left << " does not lie within frames of " << frames.size(2) << 'x' << frames.size(3);
    throw core::ConfigError(text.str());
  }
  if (options.resize == ResizeMode::kBilinear) {
    return resize_bilinear(frames, box, options.size, options.size, {0, 0, options.size, options.size});
  }
  const torch::Tensor cropped = frames.narrow(2, box.top, box.height).narrow(3, box.left, box.width);  // [F,3,h,w]
  return resize_bicubic(cropped, options.size, options.size).clone(torch::MemoryFormat::Contiguous);
}

CropBox sample_crop_box(int64_t height, int64_t width, core::RandomStream random, const CropRange& range) {
  const double area = static_cast<double>(height) * static_cast<double>(width);
  for (int attempt = 0; attempt < 10; ++attempt) {
    const double target = area * random.uniform(range.scale_low, range.scale_high);
    const double ratio = std::exp(random.uniform(std::log(range.ratio_low), std::log(range.ratio_high)));
    const auto w = static_cast<int64_t>(std::nearbyint(std::sqrt(target * ratio)));
    const auto h = static_cast<int64_t>(std::nearbyint(std::sqrt(target / ratio)));
    if (w < 1 || h < 1 || w > width || h > height) continue;
    const auto top = static_cast<int64_t>(random.below(static_cast<uint64_t>(height - h + 1)));
    const auto left = static_cast<int64_t>(random.below(static_cast<uint64_t>(width - w + 1)));
    return {top, left, h, w};
  }
  const double ratio = static_cast<double>(width) / static_cast<double>(height);
  int64_t h = height;
  int64_t w = width;
  if (ratio < range.ratio_low) h = static_cast<int64_t>(std::nearbyint(static_cast<double>(width) / range.ratio_low));
  if (ratio > range.ratio_high)
    w = static_cast<int64_t>(std::nearbyint(static_cast<double>(height) * range.ratio_high));
  h = std::clamp<int64_t>(h, 1, height);
  w = std::clamp<int64_t>(w, 1, width);
  return {(height - h) / 2, (width - w) / 2, h, w};
}

}  // namespace permafrost::data
