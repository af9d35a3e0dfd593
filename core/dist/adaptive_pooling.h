// Adaptive pooling: a learnt query gathers each frame's tokens, another gathers the frames
// (DiST Sec. 3.4; MODEL.md "adapooling_nets").
#pragma once

#include "core/dist/dist_config.h"
#include "core/encoder/layers.h"

namespace permafrost::core {

inline constexpr int64_t kHeadWidth = 64;  // channels of an attention head

// Multi-head cross attention of a single query, with one LayerNorm shared by query, key and value; heads of 64
// channels.
//
// The reference projects every token to a key and a value. With one query it is as exact, and costs a fortieth, to
// take the query back through the key projection, weigh the tokens themselves, and project the weighted mean: products
// associate, and weights sum to one. What the key's bias adds to a score is the same for all tokens, so it cancels.
struct CrossAttentionImpl : torch::nn::Module {
  explicit CrossAttentionImpl(int64_t width);
  // query [M, 1, d], normalised memory [M, K, d] (normalise()) -> [M, 1, d].
  torch::Tensor forward(const torch::Tensor& query, const torch::Tensor& memory);

  int64_t heads;
  LayerNorm ln_1{nullptr};
  torch::Tensor in_proj_weight, in_proj_bias;  // attn.in_proj_*: q, k, v stacked
  Linear out_proj{nullptr};
};
TORCH_MODULE(CrossAttention);

// LayerNorm before its weight and bias: what all cross attentions over the same memory share.
torch::Tensor normalise(const torch::Tensor& memory);

struct OutputMapImpl : torch::nn::Module {  // the four times wider MLP behind an attention
  explicit OutputMapImpl(int64_t width);
  torch::Tensor forward(const torch::Tensor& x);

  Linear c_fc{nullptr}, c_proj{nullptr};
};
TORCH_MODULE(OutputMap);

struct Pooled {
  torch::Tensor clip;    // a [B, 1, d]
  torch::Tensor frames;  // s [B*t, 1, d]
};

struct AdaptivePoolingImpl : torch::nn::Module {
  explicit AdaptivePoolingImpl(const DistConfig& config);
  // normalised features [B, t, L, d]; `carried` holds what the layer before pooled.
  Pooled forward(const torch::Tensor& features, const Pooled& carried);

  torch::Tensor positional_embedding;  // [1, t, d]
  CrossAttention spatial_transformer{nullptr}, temporal_transformer{nullptr};
  LayerNorm ln_out_spat_cls_token{nullptr}, ln_out_temp_cls_token{nullptr};
  OutputMap output_map_spatial_cls_token{nullptr}, output_map_cls_token{nullptr};
};
TORCH_MODULE(AdaptivePooling);

}  // namespace permafrost::core
