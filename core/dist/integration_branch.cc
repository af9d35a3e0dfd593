#include "core/dist/integration_branch.h"

#include <ATen/record_function.h>

#include "core/dist/convolution.h"

namespace permafrost::core {

TemporalToIntegrationImpl::TemporalToIntegrationImpl(const DistConfig& config) : alpha(config.alpha) {
  cls_token = register_parameter("cls_token", torch::empty({1, 1, config.spatial_frames(), config.integration_dim}));
  linear_fuse =
      register_module("linear_fuse", Convolution(config.temporal_dim, config.integration_dim, Kernel{alpha, 1, 1}));
}

torch::Tensor TemporalToIntegrationImpl::forward(const torch::Tensor& x) {
  RECORD_USER_SCOPE("temporal2integration_nets");
  const torch::Tensor patches = convolve_groups(x.flatten(2, 3), linear_fuse);                  // [B, t, g*g, d]
  const torch::Tensor cls = cls_token.squeeze(0).unsqueeze(2).expand({x.size(0), -1, -1, -1});  // [B, t, 1, d]
  return torch::cat({cls, patches}, 2);                                                         // [B, t, L, d]
}

IntegrationToTemporalImpl::IntegrationToTemporalImpl(const DistConfig& config) : alpha(config.alpha) {
  linear_fuse = register_module("linear_fuse", Linear(config.integration_dim, config.temporal_dim));
}

torch::Tensor IntegrationToTemporalImpl::forward(const torch::Tensor& m) {
  RECORD_USER_SCOPE("integration2temporal_nets");
  const int64_t clips = m.size(0), frames = m.size(1);
  const auto grid = static_cast<int64_t>(std::lround(std::sqrt(static_cast<double>(m.size(2) - 1))));
  const torch::Tensor patches = linear_fuse(m.slice(2, 1));  // [B, t, g*g, c]
  return patches.unsqueeze(2)
      .expand({-1, -1, alpha, -1, -1})
      .reshape({clips, frames * alpha, grid, grid, -1});  // [B, F, g, g, c]
}

}  // namespace permafrost::core
