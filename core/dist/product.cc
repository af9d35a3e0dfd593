#include "core/dist/product.h"

#include <ATen/autocast_mode.h>
#include <ATen/ops/addmm.h>

namespace permafrost::core {

torch::ScalarType compute_type(torch::Device device) {
  return at::autocast::is_autocast_enabled(device.type()) ? at::autocast::get_autocast_dtype(device.type())
                                                          : torch::kFloat32;
}

torch::Tensor product(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias,
                      const torch::Tensor& added) {
  torch::Tensor result = at::addmm(bias, x, weight.t());
  return added.defined() ? result.add_(added) : result;
}

ProductGradients product_gradients(const torch::Tensor& gradient, const torch::Tensor& x) {
  return {gradient.t().mm(x), gradient.sum(0, false, torch::kFloat32)};
}

}  // namespace permafrost::core
