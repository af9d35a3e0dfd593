#include "core/dist/temporal_encoder.h"

#include <torch/torch.h>

#include "core/dist/convolution.h"
#include "core/encoder/vision_transformer.h"

namespace permafrost::core {

using torch::nn::Conv3dOptions;

torch::nn::Conv3d make_temporal_stem(const DistConfig& config) {
  const int64_t patch = config.patch_size, depth = config.temporal_patch;
  return torch::nn::Conv3d(Conv3dOptions(3, config.temporal_dim, {depth, patch, patch})
                               .stride({1, patch, patch})
                               .padding({depth / 2, 0, 0}));
}

torch::Tensor apply_temporal_stem(torch::nn::Conv3d& stem, const torch::Tensor& pixels) {
  return stem->forward(pixels.transpose(1, 2)).permute({0, 2, 3, 4, 1}).contiguous();  // [B, F, g, g, c]
}

TemporalNetImpl::TemporalNetImpl(const DistConfig& config) {
  const int64_t width = config.temporal_dim, kernel = config.temporal_kernel;
  const auto hidden = static_cast<int64_t>(static_cast<double>(width) * config.temporal_mlp_ratio);
  auto net = std::make_shared<torch::nn::Module>("temporal_net");
  c_fc1 = net->register_module("c_fc1", torch::nn::Conv3d(Conv3dOptions(width, hidden, {kernel, 1, 1})));
  c_fc2 = net->register_module("c_fc2", torch::nn::Conv3d(Conv3dOptions(hidden, width, {1, 3, 3})));
  register_module("temporal_net", net);
  ln = register_module("ln", torch::nn::LayerNorm(torch::nn::LayerNormOptions({width})));
}

torch::Tensor TemporalNetImpl::forward(const torch::Tensor& x) {
  const auto shape = x.sizes();  // [B, F, g, g, c]
  const int64_t frames = shape[1], grid = shape[2];
  torch::Tensor y = ln(x).flatten(2, 3);                                      // [B, F, g*g, c]
  y = quick_gelu(convolve_time(y, c_fc1, 1, c_fc1->weight.size(2) / 2));      // [B, F, g*g, h]
  y = convolve_space(y.reshape({shape[0] * frames, grid, grid, -1}), c_fc2);  // [B*F, g, g, c]
  return quick_gelu(x + y.reshape(shape));                                    // [B, F, g, g, c]
}

}  // namespace permafrost::core
