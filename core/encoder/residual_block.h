// The pre-norm transformer block of every encoder, image and text: x += MHA(LN(x)); x += MLP(LN(x)).
//
//   ResidualBlock block({.width = 768, .heads = 12, .mlp_width = 3072});
//   x = block(x);   // [M, L, C]
//
// DINOv2 scales what each half adds (layer scale), and its giant gates its MLP (SwiGLU): options, off by default.
#pragma once

#include <torch/types.h>

#include "core/encoder/layers.h"
#include "core/encoder/product.h"

namespace permafrost::core {

// As configs of Hugging Face name them: quick_gelu, gelu, gelu_pytorch_tanh, silu.
std::string name_of(Activation activation);

struct BlockConfig {
  int64_t width = 768;
  int64_t heads = 12;
  int64_t mlp_width = 3072;
  Activation activation = Activation::kQuickGelu;
  double layer_norm_epsilon = 1e-5;
  bool is_causal = false;  // a token sees those before it and itself: the text tower
  bool has_qkv_bias = true;
  bool has_layer_scale = false;
  bool has_gated_mlp = false;  // silu(gate) * value, mlp_width of each, both made by c_fc; `activation` is not used
};

struct ResidualBlockImpl : torch::nn::Module {
  explicit ResidualBlockImpl(const BlockConfig& config);
  torch::Tensor forward(torch::Tensor x);  // [M, L, C] -> [M, L, C]

  // Lets the same function take fewer passes over memory; the weights are no longer those of the file. quick_gelu(x) is
  // silu(1.702 x) / 1.702, whose factors go into the weights before and behind it, as a layer scale goes into those
  // before it.
  void fold();

  BlockConfig config;
  LayerNorm ln_1{nullptr}, ln_2{nullptr};
  torch::Tensor in_proj_weight, in_proj_bias;  // attn.in_proj_*: q, k, v stacked, [3C, C] and [3C] or undefined
  torch::Tensor scale_1, scale_2;              // ls_*.gamma [C], or undefined
  Linear out_proj{nullptr}, c_fc{nullptr}, c_proj{nullptr};

 private:
  torch::Tensor attend(const torch::Tensor& x);  // [M, L, C] -> [M, L, C]: what out_proj sees
  torch::Tensor feed(const torch::Tensor& x);    // [M, L, C] -> [M, L, mlp_width]: what c_proj sees
};
TORCH_MODULE(ResidualBlock);

}  // namespace permafrost::core
