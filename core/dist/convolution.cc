#include "core/dist/convolution.h"

namespace permafrost::core {

torch::Tensor convolve_time(const torch::Tensor& x, const Convolution& convolution, int64_t stride, int64_t padding) {
  const torch::Tensor weight = convolution->weight.squeeze(4);  // [k, c, n, 1]
  return torch::conv2d(x.permute({0, 3, 1, 2}), weight, convolution->bias, {stride, 1}, {padding, 0})
      .permute({0, 2, 3, 1});  // [B, T', S, k]
}

torch::Tensor convolve_space(const torch::Tensor& x, const Convolution& convolution) {
  const torch::Tensor weight = convolution->weight.squeeze(2);  // [k, c, n, n]
  return torch::conv2d(x.permute({0, 3, 1, 2}), weight, convolution->bias, 1, weight.size(2) / 2)
      .permute({0, 2, 3, 1});  // [M, g, g, k]
}

torch::Tensor convolve_point(const torch::Tensor& x, const Convolution& convolution) {
  return torch::linear(x, convolution->weight.flatten(1), convolution->bias);
}

}  // namespace permafrost::core
