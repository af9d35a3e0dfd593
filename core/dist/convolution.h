// The parts of 3-D convolutions that DiST uses, on tensors that keep their channels last.
//
// The reference keeps [B, c, F, g, g] and copies the tensor before and after every LayerNorm. Here channels stay last:
// LayerNorm and Linear work in place of those copies, a (1,k,k) convolution is a 2-D one on a view in channels-last
// memory format, and a (k,1,1) one is k products of matrices on shifted frames. Weights keep the reference's five
// dimensions, so checkpoints fit.
#pragma once

#include "core/encoder/layers.h"

namespace permafrost::core {

// x [B, T, S, c] with weights of a Conv3d(c -> k, (n,1,1)), n odd, zero-padded to keep T -> [B, T, S, k].
torch::Tensor convolve_time(const torch::Tensor& x, const Convolution& convolution);
// The same with weight [k, c, n] and bias [k].
torch::Tensor convolve_time(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias);

// Its two halves for nodes of autograd that do both themselves: one type, outside autocast; weight [k, c, n], bias [k].
torch::Tensor time_products(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias);
struct TimeGradients {
  torch::Tensor input;         // as x
  torch::Tensor weight, bias;  // float32
};
TimeGradients time_gradients(const torch::Tensor& gradient, const torch::Tensor& x, const torch::Tensor& weight);

// x [B, T, S, c] with weights of a Conv3d(c -> k, (n,1,1)) of stride n: n frames become one -> [B, T/n, S, k].
torch::Tensor convolve_groups(const torch::Tensor& x, const Convolution& convolution);

// The weight of such a Conv3d [k, c, n, 1, 1] for n frames side by side: [k, n*c].
torch::Tensor weight_of_groups(const torch::Tensor& weight);

// x [M, g, g, c] with weights of a Conv3d(c -> k, (1,n,n)), zero-padded to keep g -> [M, g, g, k].
torch::Tensor convolve_space(const torch::Tensor& x, const Convolution& convolution);

}  // namespace permafrost::core
