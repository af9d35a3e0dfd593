// AdamW over DiST's parameter groups (MODEL.md "Recipe").
//
//   auto parameters = trainable_parameters(*classifier, layers);
//   torch::optim::AdamW optimizer = make_optimizer(parameters, {});
//   set_learning_rate(optimizer, learning_rate_at(epoch, schedule));
#pragma once

#include <torch/nn.h>
#include <torch/optim/adamw.h>

#include <map>
#include <string>
#include <vector>

namespace permafrost::core {

struct NamedParameter {
  std::string name;
  torch::Tensor tensor;
};

// Every parameter that receives a gradient, in registration order. Leaves out names_without_gradient().
std::vector<NamedParameter> trainable_parameters(const torch::nn::Module& classifier, int64_t layers);

// Weight decay spares biases and other 1-D tensors, class tokens and positional embeddings.
bool is_decayed(const NamedParameter& parameter);

struct OptimizerOptions {
  double learning_rate = 3.2e-4;
  double weight_decay = 1e-4;
  double beta1 = 0.9;
  double beta2 = 0.999;
};

torch::optim::AdamW make_optimizer(const std::vector<NamedParameter>& parameters, const OptimizerOptions& options);

void set_learning_rate(torch::optim::AdamW& optimizer, double learning_rate);

// The moments and step counts by parameter name ("NAME.exp_avg", "NAME.exp_avg_sq", "NAME.step").
std::map<std::string, torch::Tensor> optimizer_state(torch::optim::AdamW& optimizer,
                                                     const std::vector<NamedParameter>& parameters);
// The reverse. Throws DataError naming `where` and the tensor that is missing or misshapen.
void load_optimizer_state(torch::optim::AdamW& optimizer, const std::vector<NamedParameter>& parameters,
                          const std::map<std::string, torch::Tensor>& state, const std::string& where);

}  // namespace permafrost::core
