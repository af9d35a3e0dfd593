#include "core/dist/product.h"

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/ops/addmm.h>

#include <optional>
#include <string_view>

namespace permafrost::core {
namespace {

// oneDNN's product with its bias, and with what is added to it, in one pass over the result, where addmm() takes one to
// spread the bias, one for the product and one for what is added. LibTorch gives them no function of their own.
using WithBias = torch::Tensor(const torch::Tensor& x, const torch::Tensor& weight,
                               const std::optional<torch::Tensor>& bias, std::string_view after,
                               torch::List<std::optional<at::Scalar>> scalars,
                               std::optional<std::string_view> algorithm);
using WithSum = torch::Tensor(const torch::Tensor& x, const torch::Tensor& added, const torch::Tensor& weight,
                              const std::optional<torch::Tensor>& bias, std::string_view after);

template <class Signature>
std::optional<c10::TypedOperatorHandle<Signature>> find(const char* overload) {
  const auto found = c10::Dispatcher::singleton().findSchema({"mkldnn::_linear_pointwise", overload});
  if (!found) return std::nullopt;
  return found->typed<Signature>();
}

}  // namespace

torch::Tensor product(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias,
                      const torch::Tensor& added) {
  static const auto with_bias = find<WithBias>("");
  static const auto with_sum = find<WithSum>("binary");
  if (x.is_cpu() && x.scalar_type() == torch::kBFloat16 && with_bias && with_sum) {
    if (added.defined()) return with_sum->call(x, added, weight, bias, "add");
    return with_bias->call(x, weight, bias, "none", torch::List<std::optional<at::Scalar>>(), "");
  }
  torch::Tensor result = at::addmm(bias, x, weight.t());
  return added.defined() ? result.add_(added) : result;
}

ProductGradients product_gradients(const torch::Tensor& gradient, const torch::Tensor& x) {
  return {gradient.t().mm(x), gradient.sum(0).to(torch::kFloat32)};
}

}  // namespace permafrost::core
