// Products of matrices with what follows them, outside autocast and all of one type: in bfloat16 on a CPU, where
// autograd does not look, in one pass over the result.
#pragma once

#include <torch/types.h>

namespace permafrost::core {

enum class Activation { kQuickGelu, kGelu, kGeluTanh, kSilu };  // kGeluTanh: the tanh approximation

// x [..., k], weight [n, k], bias [n] or undefined -> x weight^T + bias [..., n].
torch::Tensor product(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias);
// The same, activated.
torch::Tensor activated_product(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias,
                                Activation activation);
// added [..., n] -> added + x weight^T + bias. Undefined: the product alone.
torch::Tensor sum_with_product(const torch::Tensor& added, const torch::Tensor& x, const torch::Tensor& weight,
                               const torch::Tensor& bias);

// What a product's weight and bias get of the gradient [M, n] of its result, with x [M, k].
struct ProductGradients {
  torch::Tensor weight, bias;  // [n, k] of the type that was computed in, [n] rounded to it, in float32
};
ProductGradients product_gradients(const torch::Tensor& gradient, const torch::Tensor& x);

}  // namespace permafrost::core
