#include "core/recipe/weight_average.h"

#include "core/base/error.h"

namespace permafrost::core {
namespace {

const std::string kSuffix = ".average";

}  // namespace

WeightAverage::WeightAverage(const std::vector<NamedParameter>& parameters, double decay) : decay_(decay) {
  for (const NamedParameter& parameter : parameters) {
    names_.push_back(parameter.name);
    parameters_.push_back(parameter.tensor);
    averages_.push_back(parameter.tensor.detach().clone());
  }
}

void WeightAverage::update() {
  const torch::NoGradGuard no_grad;
  torch::_foreach_lerp_(averages_, parameters_, 1 - decay_);
}

std::map<std::string, torch::Tensor> WeightAverage::state() const {
  std::map<std::string, torch::Tensor> state;
  for (size_t i = 0; i < names_.size(); ++i) state[names_[i] + kSuffix] = averages_[i];
  return state;
}

void WeightAverage::load_state(const std::map<std::string, torch::Tensor>& state, const std::string& where) {
  for (size_t i = 0; i < names_.size(); ++i) {
    const auto found = state.find(names_[i] + kSuffix);
    if (found == state.end() || !found->second.sizes().equals(averages_[i].sizes())) {
      throw DataError(where + ": tensor '" + names_[i] + kSuffix +
                      "' is missing or misshapen: the checkpoint belongs to another model");
    }
    averages_[i].copy_(found->second);
  }
}

WeightAverage::InUse::InUse(WeightAverage& average) : average_(average) {
  const torch::NoGradGuard no_grad;
  for (size_t i = 0; i < average_.parameters_.size(); ++i) {
    weights_.push_back(average_.parameters_[i].detach().clone());
    average_.parameters_[i].copy_(average_.averages_[i]);
  }
}

WeightAverage::InUse::~InUse() {
  const torch::NoGradGuard no_grad;
  for (size_t i = 0; i < weights_.size(); ++i) average_.parameters_[i].copy_(weights_[i]);
}

std::map<std::string, torch::Tensor> averaged(std::map<std::string, torch::Tensor> model,
                                              const std::map<std::string, torch::Tensor>& optimizer) {
  for (auto& [name, tensor] : model) {
    const auto average = optimizer.find(name + kSuffix);
    if (average != optimizer.end()) tensor = average->second;
  }
  return model;
}

}  // namespace permafrost::core
