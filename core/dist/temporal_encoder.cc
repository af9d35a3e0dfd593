#include "core/dist/temporal_encoder.h"

#include <ATen/record_function.h>

#include "core/dist/convolution.h"

namespace permafrost::core {

Convolution make_temporal_stem(const DistConfig& config) {
  const int64_t patch = config.patch_size, depth = config.temporal_patch;
  return Convolution(3, config.temporal_dim, Kernel{depth, patch, patch});
}

torch::Tensor apply_temporal_stem(const Convolution& stem, const torch::Tensor& pixels) {
  RECORD_USER_SCOPE("temporal_stem");
  const int64_t clips = pixels.size(0), frames = pixels.size(1), patch = stem->weight.size(4);
  const int64_t grid = pixels.size(3) / patch;
  const torch::Tensor patches = pixels.reshape({clips, frames, 3, grid, patch, grid, patch})
                                    .permute({0, 1, 3, 5, 2, 4, 6})
                                    .reshape({clips, frames, grid * grid, 3 * patch * patch});
  const torch::Tensor weight = stem->weight.permute({0, 1, 3, 4, 2}).flatten(1, 3);         // [c, 3*p*p, depth]
  return convolve_time(patches, weight, stem->bias).view({clips, frames, grid, grid, -1});  // [B, F, g, g, c]
}

TemporalNetImpl::TemporalNetImpl(const DistConfig& config) {
  const int64_t width = config.temporal_dim, kernel = config.temporal_kernel;
  const int64_t hidden = config.temporal_hidden();
  const auto net = register_group(*this, "temporal_net");
  c_fc1 = net->register_module("c_fc1", Convolution(width, hidden, Kernel{kernel, 1, 1}));
  c_fc2 = net->register_module("c_fc2", Convolution(hidden, width, Kernel{1, 3, 3}));
  ln = register_module("ln", LayerNorm(width));
}

torch::Tensor TemporalNetImpl::forward(const torch::Tensor& x) {
  RECORD_USER_SCOPE("temporal_nets");
  const auto shape = x.sizes();  // [B, F, g, g, c]
  const int64_t frames = shape[1], grid = shape[2];
  torch::Tensor y = ln(x).flatten(2, 3);                                      // [B, F, g*g, c]
  y = quick_gelu(convolve_time(y, c_fc1));                                    // [B, F, g*g, h]
  y = convolve_space(y.reshape({shape[0] * frames, grid, grid, -1}), c_fc2);  // [B*F, g, g, c]
  return quick_gelu(x + y.reshape(shape));                                    // [B, F, g, g, c]
}

}  // namespace permafrost::core
