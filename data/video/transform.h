// From decoded frames to the square pixels a clip keeps (MODEL.md, Recipe).
//
//   torch::Tensor pixels = resize_and_crop(frames.pixels, {.size = 224}, CropPosition::kCentre);
//   const CropBox box = sample_crop_box(height, width, random);
//   torch::Tensor pixels = crop_and_resize(frames.pixels, box, {.size = 224});  // training
//
// Pixels stay uint8; mean and standard deviation are applied by whoever computes with them. Frames of any other type or
// shape, and sizes below 1, throw ConfigError.
#pragma once

#include <torch/types.h>

#include <cstdint>

#include "core/base/random.h"

namespace permafrost::data {

enum class ResizeMode {
  kBilinear,          // the released models: bilinear without antialiasing
  kBicubicAntialias,  // CLIP itself
};

enum class CropPosition { kLeftTop, kCentre, kRightBottom };

struct TransformOptions {
  int64_t size = 224;  // pixels, both sides of the result
  ResizeMode resize = ResizeMode::kBilinear;
};

// Rows top..top+height-1, columns left..left+width-1.
struct CropBox {
  int64_t top = 0;
  int64_t left = 0;
  int64_t height = 0;
  int64_t width = 0;
};

// Where the square of a test clip lies: the size of the resized frame, and the square's corner in it.
struct ResizedCrop {
  int64_t height = 0;
  int64_t width = 0;
  int64_t top = 0;
  int64_t left = 0;
};

// What resize_and_crop does to frames of `height` x `width`.
ResizedCrop place_crop(int64_t height, int64_t width, const TransformOptions& options, CropPosition position);

// The shorter side becomes `size`, the other keeps the ratio rounded down; then a square of `size` is cut out. Along
// the longer side only: kLeftTop starts at 0, kRightBottom ends at the edge, kCentre starts at half the excess, rounded
// down with kBilinear and half to even with kBicubicAntialias, as the two references do.
torch::Tensor resize_and_crop(const torch::Tensor& frames,  // uint8 [F,3,H,W]
                              const TransformOptions& options,
                              CropPosition position = CropPosition::kCentre);  // uint8 [F,3,size,size]

// `box` of every frame (mirror before, where wanted: the released models do), resized to size x size without keeping
// its ratio.
torch::Tensor crop_and_resize(const torch::Tensor& frames,                           // uint8 [F,3,H,W]
                              const CropBox& box, const TransformOptions& options);  // uint8 [F,3,size,size]

struct CropRange {
  double scale_low = 0.4, scale_high = 1.0;          // share of the frame's area, drawn evenly
  double ratio_low = 3.0 / 4, ratio_high = 4.0 / 3;  // width / height, drawn evenly in its logarithm

  bool operator==(const CropRange&) const = default;
};

// Ten draws; where none fits, the largest centred box within the ratios.
CropBox sample_crop_box(int64_t height, int64_t width, core::RandomStream random, const CropRange& range = {});

}  // namespace permafrost::data
