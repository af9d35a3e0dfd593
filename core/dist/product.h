// Products of matrices as a node of autograd that does its own backward calls them: in one type, outside autocast, and
// with what is added to the product added in place.
#pragma once

#include <torch/types.h>

namespace permafrost::core {

// x [M, k] weight [n, k]^T + bias [n] (+ added [M, n], where it is given) -> [M, n]. All of one type, no gradient.
torch::Tensor product(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias,
                      const torch::Tensor& added = {});

// What a product's weight and bias get of the gradient [M, n] of its result.
struct ProductGradients {
  torch::Tensor weight, bias;  // [n, k] of the type that was computed in, [n] in float32
};
ProductGradients product_gradients(const torch::Tensor& gradient, const torch::Tensor& x);

}  // namespace permafrost::core
