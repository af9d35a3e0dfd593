#include "core/encoder/position_embedding.h"

#include <cmath>

namespace permafrost::core {
namespace {

// [1, C, g, g] -> [1, C, side, side]
torch::Tensor resized(const torch::Tensor& image, int64_t side, PositionResize how) {
  const std::vector<int64_t> size{side, side};
  switch (how) {
    case PositionResize::kBicubicAntialias:
      return at::_upsample_bicubic2d_aa(image, size, /*align_corners=*/false);
    case PositionResize::kBilinearAntialias:
      return at::_upsample_bilinear2d_aa(image, size, /*align_corners=*/false);
    default:
      return at::upsample_bicubic2d(image, size, /*align_corners=*/false);
  }
}

}  // namespace

torch::Tensor resize_positions(const torch::Tensor& positions, int64_t class_tokens, int64_t grid, PositionResize how) {
  const torch::Tensor exact = positions.to(torch::kFloat32);
  const torch::Tensor patches = exact.slice(0, class_tokens);  // [g*g, C]
  const int64_t stored = std::llround(std::sqrt(static_cast<double>(patches.size(0))));
  if (stored == grid) return exact;
  const torch::Tensor image = patches.t().reshape({1, -1, stored, stored}).contiguous();  // [1, C, g, g]
  const torch::Tensor larger = resized(image, grid, how).flatten(2)[0].t();               // [grid*grid, C]
  return torch::cat({exact.slice(0, 0, class_tokens), larger});
}

}  // namespace permafrost::core
