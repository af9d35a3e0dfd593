#include "core/encoder/product.h"

#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/types.h>

#include <optional>
#include <string_view>

#include "core/base/error.h"
#include "core/encoder/layers.h"

namespace permafrost::core {
namespace {

// oneDNN's product with its bias and what follows, where linear() takes a pass to spread the bias, one for the product
// and one for what follows. LibTorch gives them no functions of their own.
using Optional = std::optional<torch::Tensor>;
using Scalars = torch::List<std::optional<at::Scalar>>;
using WithBias = torch::Tensor(const torch::Tensor& x, const torch::Tensor& weight, const Optional& bias,
                               std::string_view after, Scalars scalars, std::optional<std::string_view> algorithm);
using WithSum = torch::Tensor(const torch::Tensor& x, const torch::Tensor& added, const torch::Tensor& weight,
                              const Optional& bias, std::string_view after);

template <class Signature>
std::optional<c10::TypedOperatorHandle<Signature>> find(const char* overload) {
  const auto found = c10::Dispatcher::singleton().findSchema({"mkldnn::_linear_pointwise", overload});
  if (!found) return std::nullopt;
  return found->typed<Signature>();
}

bool has_brain_floats() {
  const auto found = c10::Dispatcher::singleton().findSchema({"mkldnn::_is_mkldnn_bf16_supported", ""});
  return found && found->typed<bool()>().call();
}

// float32 is faster in MKL's products, and what autograd is to see must be LibTorch's own.
bool is_for_one_dnn(const torch::Tensor& x) {
  static const bool has = has_brain_floats();
  return has && x.is_cpu() && x.scalar_type() == torch::kBFloat16 && !torch::GradMode::is_enabled();
}

Optional as_optional(const torch::Tensor& tensor) { return tensor.defined() ? Optional(tensor) : std::nullopt; }

// As oneDNN knows what follows a product: its name, and its algorithm.
struct After {
  const char* name = "none";
  const char* algorithm = "";
};

torch::Tensor product_in_one_pass(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias,
                                  const After& after) {
  static const auto fused = find<WithBias>("");
  PERMAFROST_CHECK(fused, "LibTorch with bfloat16 by oneDNN has its fused products");
  return fused->call(x, weight, as_optional(bias), after.name, Scalars(), after.algorithm);
}

torch::Tensor activate(torch::Tensor x, Activation activation) {
  switch (activation) {
    case Activation::kQuickGelu:
      return quick_gelu(x);
    case Activation::kGelu:
      return torch::gelu(x);
    case Activation::kGeluTanh:
      return torch::gelu(x, "tanh");
    case Activation::kSilu:
      return torch::GradMode::is_enabled() ? torch::silu(x) : torch::silu_(x);
  }
  check_failed("activation", __FILE__, __LINE__, "no such activation");
}

std::optional<After> as_after(Activation activation) {
  switch (activation) {
    case Activation::kQuickGelu:
      return std::nullopt;
    case Activation::kGelu:
      return After{"gelu", "none"};
    case Activation::kGeluTanh:
      return After{"gelu", "tanh"};
    case Activation::kSilu:
      return After{"swish"};
  }
  return std::nullopt;
}

}  // namespace

torch::Tensor product(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias) {
  return is_for_one_dnn(x) ? product_in_one_pass(x, weight, bias, {}) : torch::linear(x, weight, as_optional(bias));
}

torch::Tensor activated_product(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias,
                                Activation activation) {
  const std::optional<After> after = as_after(activation);
  if (after && is_for_one_dnn(x)) return product_in_one_pass(x, weight, bias, *after);
  return activate(product(x, weight, bias), activation);
}

torch::Tensor sum_with_product(const torch::Tensor& added, const torch::Tensor& x, const torch::Tensor& weight,
                               const torch::Tensor& bias) {
  static const auto fused = find<WithSum>("binary");
  if (!added.defined()) return product(x, weight, bias);
  if (!fused || !is_for_one_dnn(x)) {
    torch::Tensor result = torch::linear(x, weight, as_optional(bias));
    return torch::GradMode::is_enabled() ? added + result : result.add_(added);
  }
  return fused->call(x, added, weight, as_optional(bias), "add");
}

ProductGradients product_gradients(const torch::Tensor& gradient, const torch::Tensor& x) {
  return {gradient.t().mm(x), gradient.sum(0).to(torch::kFloat32)};
}

}  // namespace permafrost::core
