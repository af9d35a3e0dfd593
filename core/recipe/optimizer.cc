#include "core/recipe/optimizer.h"

#include <algorithm>

#include "core/base/error.h"
#include "core/dist/dist_net.h"
#include "core/dist/forward_order.h"

namespace permafrost::core {

std::vector<NamedParameter> trainable_parameters(const torch::nn::Module& classifier, int64_t layers) {
  const std::vector<std::string> skipped = names_without_gradient(layers);
  std::vector<NamedParameter> parameters;
  for (const auto& item : classifier.named_parameters()) {
    const bool is_skipped = std::any_of(skipped.begin(), skipped.end(),
                                        [&](const std::string& name) { return item.key().ends_with(name); });
    if (!is_skipped && item.value().requires_grad()) parameters.push_back({item.key(), item.value()});
  }
  return parameters;
}

std::vector<NamedParameter> in_forward_order(const std::vector<NamedParameter>& parameters) {
  std::vector<std::string> names;
  for (const NamedParameter& parameter : parameters) names.push_back(parameter.name);
  std::vector<NamedParameter> ordered;
  for (const size_t i : forward_order(names)) ordered.push_back(parameters[i]);
  return ordered;
}

bool is_decayed(const NamedParameter& parameter) {
  const std::string& name = parameter.name;
  return parameter.tensor.dim() > 1 && !name.ends_with("cls_token") && !name.ends_with("positional_embedding");
}

AdamW::AdamW(std::vector<NamedParameter> parameters, const OptimizerOptions& options) : options_(options) {
  Group decayed{options.weight_decay, {}, {}, {}, {}, {}}, spared{0.0, {}, {}, {}, {}, {}};
  for (NamedParameter& parameter : parameters) {
    Group& group = is_decayed(parameter) ? decayed : spared;
    group.first_moments.push_back(torch::zeros_like(parameter.tensor, torch::MemoryFormat::Preserve));
    group.second_moments.push_back(torch::zeros_like(parameter.tensor, torch::MemoryFormat::Preserve));
    group.steps.push_back(torch::zeros({}, parameter.tensor.options().requires_grad(false)));
    group.names.push_back(std::move(parameter.name));
    group.parameters.push_back(std::move(parameter.tensor));
  }
  for (Group* group : {&decayed, &spared}) {
    if (!group->parameters.empty()) groups_.push_back(std::move(*group));
  }
}

void AdamW::step(double learning_rate) {
  const torch::NoGradGuard no_grad;
  for (Group& group : groups_) {
    std::vector<torch::Tensor> gradients;
    gradients.reserve(group.parameters.size());
    for (size_t i = 0; i < group.parameters.size(); ++i) {
      PERMAFROST_CHECK(group.parameters[i].grad().defined(), "no gradient for " + group.names[i]);
      gradients.push_back(group.parameters[i].grad());
    }
    torch::_foreach_add_(group.steps, 1);
    torch::_fused_adamw_(group.parameters, gradients, group.first_moments, group.second_moments, {}, group.steps,
                         learning_rate, options_.beta1, options_.beta2, group.weight_decay, options_.epsilon,
                         /*amsgrad=*/false, /*maximize=*/false);
  }
  has_stepped_ = true;
}

std::map<std::string, torch::Tensor> AdamW::state() const {
  std::map<std::string, torch::Tensor> state;
  if (!has_stepped_) return state;
  for (const Group& group : groups_) {
    for (size_t i = 0; i < group.names.size(); ++i) {
      state[group.names[i] + ".exp_avg"] = group.first_moments[i];
      state[group.names[i] + ".exp_avg_sq"] = group.second_moments[i];
      state[group.names[i] + ".step"] = group.steps[i];
    }
  }
  return state;
}

void AdamW::load_state(const std::map<std::string, torch::Tensor>& state, const std::string& where) {
  const bool has_moments =
      std::any_of(state.begin(), state.end(), [](const auto& entry) { return entry.first.ends_with(".exp_avg"); });
  if (!has_moments) return;  // there are none before the first step
  const auto copy = [&](const std::string& name, torch::Tensor& target) {
    const auto found = state.find(name);
    if (found == state.end() || !found->second.sizes().equals(target.sizes())) {
      throw DataError(where + ": tensor '" + name +
                      "' is missing or misshapen: the checkpoint belongs to another model");
    }
    target.copy_(found->second);
  };
  for (Group& group : groups_) {
    for (size_t i = 0; i < group.names.size(); ++i) {
      copy(group.names[i] + ".exp_avg", group.first_moments[i]);
      copy(group.names[i] + ".exp_avg_sq", group.second_moments[i]);
      copy(group.names[i] + ".step", group.steps[i]);
    }
  }
  has_stepped_ = true;
}

}  // namespace permafrost::core
