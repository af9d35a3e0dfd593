#include "core/recipe/optimizer.h"

#include <torch/torch.h>

#include <algorithm>

#include "core/base/error.h"
#include "core/dist/dist_net.h"

namespace permafrost::core {

using torch::optim::AdamWOptions;
using torch::optim::AdamWParamState;

std::vector<NamedParameter> trainable_parameters(const torch::nn::Module& classifier, int64_t layers) {
  const std::vector<std::string> skipped = names_without_gradient(layers);
  std::vector<NamedParameter> parameters;
  for (const auto& item : classifier.named_parameters()) {
    const bool is_skipped = std::any_of(skipped.begin(), skipped.end(),
                                        [&](const std::string& name) { return item.key().ends_with(name); });
    if (!is_skipped) parameters.push_back({item.key(), item.value()});
  }
  return parameters;
}

bool is_decayed(const NamedParameter& parameter) {
  const std::string& name = parameter.name;
  return parameter.tensor.dim() > 1 && !name.ends_with("cls_token") && !name.ends_with("positional_embedding");
}

torch::optim::AdamW make_optimizer(const std::vector<NamedParameter>& parameters, const OptimizerOptions& options) {
  std::vector<torch::Tensor> decayed, spared;
  for (const NamedParameter& parameter : parameters) {
    (is_decayed(parameter) ? decayed : spared).push_back(parameter.tensor);
  }
  const auto group = [&](double weight_decay) {
    return std::make_unique<AdamWOptions>(
        AdamWOptions(options.learning_rate).betas({options.beta1, options.beta2}).weight_decay(weight_decay));
  };
  std::vector<torch::optim::OptimizerParamGroup> groups;
  groups.emplace_back(decayed, group(options.weight_decay));
  groups.emplace_back(spared, group(0.0));
  return torch::optim::AdamW(groups, AdamWOptions(options.learning_rate));
}

void set_learning_rate(torch::optim::AdamW& optimizer, double learning_rate) {
  for (auto& group : optimizer.param_groups()) group.options().set_lr(learning_rate);
}

std::map<std::string, torch::Tensor> optimizer_state(torch::optim::AdamW& optimizer,
                                                     const std::vector<NamedParameter>& parameters) {
  std::map<std::string, torch::Tensor> state;
  for (const NamedParameter& parameter : parameters) {
    const auto found = optimizer.state().find(parameter.tensor.unsafeGetTensorImpl());
    if (found == optimizer.state().end()) continue;
    auto& moments = static_cast<AdamWParamState&>(*found->second);
    state[parameter.name + ".exp_avg"] = moments.exp_avg();
    state[parameter.name + ".exp_avg_sq"] = moments.exp_avg_sq();
    state[parameter.name + ".step"] = torch::tensor(moments.step(), torch::kInt64);
  }
  return state;
}

void load_optimizer_state(torch::optim::AdamW& optimizer, const std::vector<NamedParameter>& parameters,
                          const std::map<std::string, torch::Tensor>& state, const std::string& where) {
  if (state.empty()) return;  // before the first step there are no moments
  const auto moment = [&](const NamedParameter& parameter, const char* kind, at::IntArrayRef shape) {
    const auto found = state.find(parameter.name + kind);
    if (found == state.end() || !found->second.sizes().equals(shape)) {
      throw DataError(where + ": tensor '" + parameter.name + kind +
                      "' is missing or misshapen: the checkpoint belongs to another model");
    }
    return found->second.clone();
  };
  for (const NamedParameter& parameter : parameters) {
    auto moments = std::make_unique<AdamWParamState>();
    moments->exp_avg(moment(parameter, ".exp_avg", parameter.tensor.sizes()));
    moments->exp_avg_sq(moment(parameter, ".exp_avg_sq", parameter.tensor.sizes()));
    moments->step(moment(parameter, ".step", {}).item<int64_t>());
    optimizer.state()[parameter.tensor.unsafeGetTensorImpl()] = std::move(moments);
  }
}

}  // namespace permafrost::core
