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

IntegrationNetImpl::IntegrationNetImpl(const DistConfig& config) {
  const int64_t width = config.integration_dim;
  const int64_t hidden = config.integration_hidden(), narrow = config.integration_temporal_hidden();
  const auto ffn = register_group(*this, "ffn");
  c_fc = ffn->register_module("c_fc", Linear(width, hidden));
  c_proj = ffn->register_module("c_proj", Linear(hidden, width));
  const auto temporal = register_group(*this, "temporal_ffn");
  temporal_c_fc1 = temporal->register_module("c_fc1", Convolution(width, narrow, Kernel{1, 1, 1}));
  temporal_c_fc2 =
      temporal->register_module("c_fc2", Convolution(narrow, narrow, Kernel{config.temporal_kernel, 1, 1}));
  temporal_c_proj = temporal->register_module("c_proj", Convolution(narrow, width, Kernel{1, 1, 1}));
  ln = register_module("ln", LayerNorm(width));
  ln_temporal = register_module("ln_temporal", LayerNorm(width));
}

torch::Tensor IntegrationNetImpl::forward(const torch::Tensor& m) {
  RECORD_USER_SCOPE("integration_nets");
  const torch::Tensor space = c_proj(quick_gelu(c_fc(ln(m))));          // [B, t, L, d]
  torch::Tensor time = convolve_point(ln_temporal(m), temporal_c_fc1);  // [B, t, L, d/4]
  time = convolve_time(time, temporal_c_fc2);                           // [B, t, L, d/4]
  time = convolve_point(quick_gelu(time), temporal_c_proj);             // [B, t, L, d]
  return space + time;
}

}  // namespace permafrost::core
