#include "core/encoder/layers.h"

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

torch::Tensor quick_gelu(const torch::Tensor& x) { return x * torch::sigmoid(kQuickGeluScale * x); }

}  // namespace permafrost::core
