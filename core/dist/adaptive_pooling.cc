#include "core/dist/adaptive_pooling.h"

#include <ATen/record_function.h>

#include <cmath>

namespace permafrost::core {
CrossAttentionImpl::CrossAttentionImpl(int64_t width) : heads(width / kHeadWidth) {
  const auto attention = register_group(*this, "attn");
  in_proj_weight = attention->register_parameter("in_proj_weight", torch::empty({3 * width, width}));
  in_proj_bias = attention->register_parameter("in_proj_bias", torch::empty({3 * width}));
  out_proj = attention->register_module("out_proj", Linear(width, width));
  ln_1 = register_module("ln_1", LayerNorm(width));
}

torch::Tensor CrossAttentionImpl::forward(const torch::Tensor& query, const torch::Tensor& memory) {
  const int64_t queries = query.size(0), width = query.size(2);
  const std::vector<torch::Tensor> weights = in_proj_weight.view({3, width, width}).unbind();
  const std::vector<torch::Tensor> biases = in_proj_bias.view({3, width}).unbind();
  const auto per_head = [&](const torch::Tensor& weight) { return weight.view({heads, kHeadWidth, width}); };

  const torch::Tensor q = torch::linear(ln_1(query), weights[0], biases[0]) / std::sqrt(double{kHeadWidth});
  const torch::Tensor seen = torch::bmm(q.view({queries, heads, kHeadWidth}).transpose(0, 1), per_head(weights[1]));
  const torch::Tensor sought = seen.permute({1, 2, 0}) * ln_1->weight.unsqueeze(1);  // [M, d, h]
  const torch::Tensor shares = torch::softmax(torch::bmm(memory, sought), 1);        // [M, K, h]
  const torch::Tensor mean = torch::bmm(shares.transpose(1, 2), memory);             // [M, h, d]
  const torch::Tensor value = torch::bmm(per_head(weights[2]), (mean * ln_1->weight + ln_1->bias).permute({1, 2, 0}));
  return out_proj(value.permute({2, 0, 1}).reshape({queries, 1, width}) + biases[2]);  // of [h, 64, M]: [M, 1, d]
}

torch::Tensor normalise(const torch::Tensor& memory) {
  return torch::layer_norm(memory, {memory.size(-1)}, {}, {}, kLayerNormEpsilon);
}

OutputMapImpl::OutputMapImpl(int64_t width) {
  c_fc = register_module("c_fc", Linear(width, 4 * width));
  c_proj = register_module("c_proj", Linear(4 * width, width));
}

torch::Tensor OutputMapImpl::forward(const torch::Tensor& x) { return c_proj(quick_gelu(c_fc(x))); }

AdaptivePoolingImpl::AdaptivePoolingImpl(const DistConfig& config) {
  const int64_t width = config.integration_dim;
  positional_embedding = register_parameter("positional_embedding", torch::empty({1, config.spatial_frames(), width}));
  temporal_transformer = register_module("temporal_transformer", CrossAttention(width));
  output_map_cls_token = register_module("output_map_cls_token", OutputMap(width));
  ln_out_temp_cls_token = register_module("ln_out_temp_cls_token", LayerNorm(width));
  spatial_transformer = register_module("spatial_transformer", CrossAttention(width));
  output_map_spatial_cls_token = register_module("output_map_spatial_cls_token", OutputMap(width));
  ln_out_spat_cls_token = register_module("ln_out_spat_cls_token", LayerNorm(width));
}

Pooled AdaptivePoolingImpl::forward(const torch::Tensor& features, const Pooled& carried) {
  RECORD_USER_SCOPE("adapooling_nets");
  torch::Tensor s = carried.frames + spatial_transformer(carried.frames, features.flatten(0, 1));        // [B*t, 1, d]
  s = s + output_map_spatial_cls_token(ln_out_spat_cls_token(s));                                        // [B*t, 1, d]
  const torch::Tensor frames = s.view({features.size(0), features.size(1), -1}) + positional_embedding;  // [B, t, d]
  torch::Tensor a = carried.clip + temporal_transformer(carried.clip, normalise(frames));                // [B, 1, d]
  a = a + output_map_cls_token(ln_out_temp_cls_token(a));                                                // [B, 1, d]
  return {a, s};
}

}  // namespace permafrost::core
