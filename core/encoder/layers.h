// The layers that encoders and DiST are built of: weights under the released names, applied by LibTorch's operators.
//
//   Linear c_fc = register_module("c_fc", Linear(768, 3072));
//   torch::Tensor y = quick_gelu(c_fc(x));   // [..., 768] -> [..., 3072]
//
// LibTorch's own torch::nn layers are not used: their headers add two seconds of instantiation to every source.
// Parameters are left uninitialised; who builds a network either loads or initialises it.
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace permafrost::core {

struct LinearImpl : torch::nn::Module {
  LinearImpl(int64_t in, int64_t out);
  torch::Tensor forward(const torch::Tensor& x);  // [..., in] -> [..., out]

  torch::Tensor weight, bias;  // [out, in], [out]
};
TORCH_MODULE(Linear);

inline constexpr double kLayerNormEpsilon = 1e-5;

struct LayerNormImpl : torch::nn::Module {
  explicit LayerNormImpl(int64_t width, double epsilon = kLayerNormEpsilon);
  torch::Tensor forward(const torch::Tensor& x);  // over the last dimension

  double epsilon;
  torch::Tensor weight, bias;  // [width]
};
TORCH_MODULE(LayerNorm);

using Kernel = std::vector<int64_t>;

// The weights of a convolution over 2 or 3 dimensions; where it is applied says how (dist/convolution.h, the stems).
struct ConvolutionImpl : torch::nn::Module {
  ConvolutionImpl(int64_t in, int64_t out, const Kernel& kernel, bool has_bias = true);

  torch::Tensor weight, bias;  // [out, in, kernel...], [out] or undefined
};
TORCH_MODULE(Convolution);

// A child `name` of `parent` that only groups others under its name.
std::shared_ptr<torch::nn::Module> register_group(torch::nn::Module& parent, const std::string& name);

// Children NAME.0 ... NAME.(count-1) of `parent`, each made by make().
template <class Make>
auto register_list(torch::nn::Module& parent, const std::string& name, int64_t count, Make make) {
  const auto group = register_group(parent, name);
  std::vector<decltype(make())> list;
  for (int64_t i = 0; i < count; ++i) list.push_back(group->register_module(std::to_string(i), make()));
  return list;
}

inline constexpr double kQuickGeluScale = 1.702;
// x * sigmoid(1.702 x)
torch::Tensor quick_gelu(const torch::Tensor& x);

}  // namespace permafrost::core
