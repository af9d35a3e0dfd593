#include "core/dist/product.h"

#include <ATen/ops/addmm.h>

namespace permafrost::core {

torch::Tensor product(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias,
                      const torch::Tensor& added) {
  torch::Tensor result = at::addmm(bias, x, weight.t());
  return added.defined() ? result.add_(added) : result;
}

ProductGradients product_gradients(const torch::Tensor& gradient, const torch::Tensor& x) {
  return {gradient.t().mm(x), gradient.sum(0, false, torch::kFloat32)};
}

}  // namespace permafrost::core
