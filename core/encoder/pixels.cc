#include "core/encoder/pixels.h"

namespace permafrost::core {

// Channel by channel, so that no table of constants has to be brought to a GPU.
torch::Tensor normalise_pixels(const torch::Tensor& pixels, const PixelNormalisation& normalisation) {
  torch::Tensor result = pixels.to(torch::kFloat32, /*non_blocking=*/false, /*copy=*/true).div_(255.0);
  for (int64_t channel = 0; channel < 3; ++channel) {
    const auto place = static_cast<size_t>(channel);
    result.select(-3, channel).sub_(normalisation.mean[place]).div_(normalisation.deviation[place]);
  }
  return result;
}

}  // namespace permafrost::core
