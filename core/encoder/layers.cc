#include "core/encoder/layers.h"

#include <ATen/ops/silu_backward.h>
#include <torch/csrc/autograd/custom_function.h>

namespace permafrost::core {

LinearImpl::LinearImpl(int64_t in, int64_t out)
    : weight(register_parameter("weight", torch::empty({out, in}))),
      bias(register_parameter("bias", torch::empty({out}))) {}

torch::Tensor LinearImpl::forward(const torch::Tensor& x) { return torch::linear(x, weight, bias); }

LayerNormImpl::LayerNormImpl(int64_t width, double epsilon)
    : epsilon(epsilon),
      weight(register_parameter("weight", torch::empty({width}))),
      bias(register_parameter("bias", torch::empty({width}))) {}

torch::Tensor LayerNormImpl::forward(const torch::Tensor& x) {
  return torch::layer_norm(x, weight.sizes(), weight, bias, epsilon);
}

ConvolutionImpl::ConvolutionImpl(int64_t in, int64_t out, const Kernel& kernel, bool has_bias) {
  std::vector<int64_t> shape{out, in};
  shape.insert(shape.end(), kernel.begin(), kernel.end());
  weight = register_parameter("weight", torch::empty(shape));
  if (has_bias) bias = register_parameter("bias", torch::empty({out}));
}

std::shared_ptr<torch::nn::Module> register_group(torch::nn::Module& parent, const std::string& name) {
  return parent.register_module(name, std::make_shared<torch::nn::Module>(name));
}

namespace {

// x sigmoid(1.702 x) is silu(u) / 1.702 of u = 1.702 x, and its derivative is that of silu at u: one pass backward,
// where the formula as it stands would take five.
struct QuickGelu : torch::autograd::Function<QuickGelu> {
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& x) {
    const torch::Tensor scaled = x * kQuickGeluScale;
    context->save_for_backward({scaled});
    return torch::silu(scaled).div_(kQuickGeluScale);
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    return {at::silu_backward(gradients[0], context->get_saved_variables()[0])};
  }
};

}  // namespace

torch::Tensor quick_gelu(const torch::Tensor& x) { return QuickGelu::apply(x); }

}  // namespace permafrost::core
