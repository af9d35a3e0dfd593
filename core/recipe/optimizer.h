// AdamW over DiST's parameter groups (MODEL.md "Recipe").
//
//   auto parameters = trainable_parameters(*classifier, layers);
//   AdamW optimizer(parameters, {.weight_decay = 1e-4});
//   optimizer.step(learning_rate_at(epoch, schedule));
#pragma once

#include <torch/nn/module.h>
#include <torch/types.h>

#include <map>
#include <string>
#include <vector>

namespace permafrost::core {

struct NamedParameter {
  std::string name;
  torch::Tensor tensor;
};

// Every parameter that receives a gradient, in registration order. Leaves out names_without_gradient() and the frozen
// text features.
std::vector<NamedParameter> trainable_parameters(const torch::nn::Module& classifier, int64_t layers);

// The same parameters as forward uses them (core/dist/forward_order.h): backward gives the last one's gradient first.
std::vector<NamedParameter> in_forward_order(const std::vector<NamedParameter>& parameters);

// Weight decay spares biases and other 1-D tensors, class tokens and positional embeddings.
bool is_decayed(const NamedParameter& parameter);

struct OptimizerOptions {
  double weight_decay = 1e-4;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
};

// AdamW with decoupled weight decay and LibTorch's fused kernel: one pass over weight, gradient and both moments.
class AdamW {
 public:
  AdamW(std::vector<NamedParameter> parameters, const OptimizerOptions& options);

  // One step at `learning_rate`. Every parameter needs a gradient.
  void step(double learning_rate);

  // The moments and step counts by parameter name ("NAME.exp_avg", "NAME.exp_avg_sq", "NAME.step"); none before the
  // first step. Shares memory with the optimiser.
  std::map<std::string, torch::Tensor> state() const;
  // The reverse. Throws DataError naming `where` and the tensor that is missing or misshapen.
  void load_state(const std::map<std::string, torch::Tensor>& state, const std::string& where);

 private:
  // Parameters that share a weight decay, and what the kernel keeps for them, index by index.
  struct Group {
    double weight_decay;
    std::vector<std::string> names;
    std::vector<torch::Tensor> parameters, first_moments, second_moments, steps;
  };

  OptimizerOptions options_;
  std::vector<Group> groups_;
  bool has_stepped_ = false;
};

}  // namespace permafrost::core
