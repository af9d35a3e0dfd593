#include "core/encoder/pixels.h"

namespace permafrost::core {

torch::Tensor normalise_pixels(const torch::Tensor& pixels, const PixelNormalisation& normalisation) {
  const auto per_channel = [&](const std::array<double, 3>& values) {
    return torch::tensor(at::ArrayRef<double>(values.data(), values.size()), torch::kFloat32)
        .view({3, 1, 1})
        .to(pixels.device());
  };
  const torch::Tensor mean = per_channel(normalisation.mean), deviation = per_channel(normalisation.deviation);
  return pixels.to(torch::kFloat32, /*non_blocking=*/false, /*copy=*/true).div_(255.0).sub_(mean).div_(deviation);
}

}  // namespace permafrost::core
