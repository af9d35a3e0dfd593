// The two separable halves of a 3-D convolution, on tensors that keep their channels last.
//
// The reference keeps [B, c, F, g, g] and copies the tensor before and after every LayerNorm. Here channels stay last,
// so LayerNorm and Linear work in place of those copies, and a (k,1,1) or (1,k,k) convolution is a 2-D one on a view
// in channels-last memory format. Weights keep the reference's five dimensions, so checkpoints fit.
#pragma once

#include "core/encoder/layers.h"

namespace permafrost::core {

// x [B, T, S, c] with weights of a Conv3d(c -> k, (n,1,1)), zero-padded by `padding` in time -> [B, T', S, k].
torch::Tensor convolve_time(const torch::Tensor& x, const Convolution& convolution, int64_t stride, int64_t padding);

// x [M, g, g, c] with weights of a Conv3d(c -> k, (1,n,n)), zero-padded to keep g -> [M, g, g, k].
torch::Tensor convolve_space(const torch::Tensor& x, const Convolution& convolution);

// x [..., c] with weights of a Conv3d(c -> k, 1): the same number as a Linear -> [..., k].
torch::Tensor convolve_point(const torch::Tensor& x, const Convolution& convolution);

}  // namespace permafrost::core
