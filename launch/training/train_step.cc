#include "launch/training/train_step.h"

#include <cmath>
#include <utility>

namespace permafrost::launch {
namespace {

std::vector<torch::Tensor> tensors_of(const std::vector<core::NamedParameter>& parameters) {
  std::vector<torch::Tensor> tensors;
  for (const core::NamedParameter& parameter : parameters) tensors.push_back(parameter.tensor);
  return tensors;
}

distributed::GradientReducerOptions reducer_options(const std::vector<core::NamedParameter>& parameters,
                                                    int64_t bucket_bytes) {
  distributed::GradientReducerOptions options{.bucket_bytes = bucket_bytes};
  for (const core::NamedParameter& parameter : parameters) options.names.push_back(parameter.name);
  return options;
}

}  // namespace

TrainStep::TrainStep(core::Classifier classifier, const TrainStepOptions& options,
                     c10::intrusive_ptr<c10d::ProcessGroup> group)
    : options_(options),
      classifier_(std::move(classifier)),
      parameters_(core::trainable_parameters(*classifier_, classifier_->dist_net->config.layers)),
      optimizer_(parameters_, {.weight_decay = options.weight_decay}),
      group_(std::move(group)),
      reducer_(tensors_of(core::in_forward_order(parameters_)), group_,
               reducer_options(core::in_forward_order(parameters_), options.bucket_bytes)) {}

// The reducer averages over the ranks, so a rank's loss is the sum over its clips, times ranks over the global batch:
// the gradient is that of the mean over the global batch however it was cut.
Forward TrainStep::add(const torch::Tensor& pixels, const torch::Tensor& features, const torch::Tensor& targets,
                       bool is_last) {
  Forward forward{.logits = classifier_->forward(pixels, features.transpose(0, 1))};
  const torch::Tensor loss = classifier_->head->loss(forward.logits, targets, options_.label_smoothing);
  if (is_last) reducer_.prepare_for_backward();
  (loss * (static_cast<double>(options_.ranks) / static_cast<double>(options_.clips))).backward();
  forward.loss = loss.item<double>();
  return forward;
}

double TrainStep::finish_gradient() {
  reducer_.finish();
  std::vector<torch::Tensor> norms;
  for (const core::NamedParameter& parameter : parameters_) norms.push_back(parameter.tensor.grad().norm());
  const double norm = torch::stack(norms).norm().item<double>();
  if (options_.clip_norm > 0 && std::isfinite(norm) && norm > options_.clip_norm) {
    const torch::NoGradGuard no_grad;
    for (const core::NamedParameter& parameter : parameters_) parameter.tensor.grad().mul_(options_.clip_norm / norm);
  }
  return norm;
}

void TrainStep::update(double learning_rate) {
  optimizer_.step(learning_rate);
  reducer_.release_gradients();
}

void TrainStep::skip() { reducer_.release_gradients(); }

void TrainStep::broadcast_weights() { distributed::broadcast_parameters(tensors_of(parameters_), group_); }

}  // namespace permafrost::launch
