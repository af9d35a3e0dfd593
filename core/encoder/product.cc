#include "core/encoder/product.h"

#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/types.h>

#include <optional>
#include <string_view>

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

bool has_fast_brain_floats() {
  const auto found = c10::Dispatcher::singleton().findSchema({"mkldnn::_is_mkldnn_bf16_supported", ""});
  return found && found->typed<bool()>().call();
}

// float32 is faster in MKL's products, and what autograd is to see must be LibTorch's own.
bool is_for_one_dnn(const torch::Tensor& x) {
  static const bool is_fast = has_fast_brain_floats();
  return is_fast && x.is_cpu() && x.scalar_type() == torch::kBFloat16 && !torch::GradMode::is_enabled();
}

Optional as_optional(const torch::Tensor& tensor) { return tensor.defined() ? Optional(tensor) : std::nullopt; }

// By oneDNN's name, and its algorithm.
std::pair<const char*, const char*> named(After after) {
  switch (after) {
    case After::kSilu:
      return {"swish", ""};
    case After::kGelu:
      return {"gelu", "none"};
    case After::kGeluTanh:
      return {"gelu", "tanh"};
    case After::kNothing:
      break;
  }
  return {"none", ""};
}

torch::Tensor followed(torch::Tensor result, After after) {
  switch (after) {
    case After::kSilu:
      return torch::GradMode::is_enabled() ? torch::silu(result) : torch::silu_(result);
    case After::kGelu:
      return torch::gelu(result);
    case After::kGeluTanh:
      return torch::gelu(result, "tanh");
    case After::kNothing:
      break;
  }
  return result;
}

}  // namespace

torch::Tensor product(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias, After after) {
  static const auto fused = find<WithBias>("");
  if (!fused || !is_for_one_dnn(x)) return followed(torch::linear(x, weight, as_optional(bias)), after);
  const auto [name, algorithm] = named(after);
  return fused->call(x, weight, as_optional(bias), name, Scalars(), algorithm);
}

torch::Tensor sum_with_product(const torch::Tensor& added, const torch::Tensor& x, const torch::Tensor& weight,
                               const torch::Tensor& bias) {
  static const auto fused = find<WithSum>("binary");
  if (!added.defined()) return product(x, weight, bias);
  if (!fused || !is_for_one_dnn(x)) return torch::linear(x, weight, as_optional(bias)).add_(added);
  return fused->call(x, added, weight, as_optional(bias), "add");
}

ProductGradients product_gradients(const torch::Tensor& gradient, const torch::Tensor& x) {
  return {gradient.t().mm(x), gradient.sum(0).to(torch::kFloat32)};
}

}  // namespace permafrost::core
