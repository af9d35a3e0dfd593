// One training step of DiST, in one piece or in micro-batches: forward, loss, backward, the gradients averaged over the
// ranks, AdamW.
//
//   TrainStep step(classifier, {.clips = 64, .ranks = 4}, group);
//   step.broadcast_weights();
//   for (each micro-batch) step.add(pixels, features, targets, is_last);
//   const double norm = step.finish_gradient();
//   if (std::isfinite(norm)) step.update(learning_rate); else step.skip();
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>
#include <vector>

#include "core/dist/classifier.h"
#include "core/recipe/optimizer.h"
#include "distributed/gradient_reducer.h"

namespace permafrost::launch {

struct TrainStepOptions {
  int64_t clips = 1;  // of the global batch, over all ranks and micro-batches
  int64_t ranks = 1;
  double weight_decay = 1e-4;
  double label_smoothing = 0.1;
  double clip_norm = 0;  // 0: none
  int64_t bucket_bytes = int64_t{4} << 20;
};

struct Forward {
  double loss = 0;  // summed over the clips
  std::vector<torch::Tensor> logits;
};

class TrainStep {
 public:
  // `group` may be null with one rank.
  TrainStep(core::Classifier classifier, const TrainStepOptions& options, c10::intrusive_ptr<c10d::ProcessGroup> group);

  // Adds the gradient of some clips of the batch. pixels [b, F, 3, S, S], features [b, N, t, L, C], targets
  // float32 [b, K]. With `is_last` the gradients are averaged over the ranks: collective.
  Forward add(const torch::Tensor& pixels, const torch::Tensor& features, const torch::Tensor& targets, bool is_last);
  // Of the whole batch: its norm, the same number on every rank. A longer one than clip_norm is shortened to it.
  double finish_gradient();
  void update(double learning_rate);
  // Forgets the gradient: weights and optimiser stay as they are.
  void skip();

  // Gives every rank the weights of rank 0. Collective.
  void broadcast_weights();

  // Of the last step; none with one rank.
  std::vector<distributed::BucketTimes> bucket_times() const { return reducer_.bucket_times(); }

  const std::vector<core::NamedParameter>& parameters() const { return parameters_; }
  core::Classifier& classifier() { return classifier_; }
  const core::Classifier& classifier() const { return classifier_; }
  core::AdamW& optimizer() { return optimizer_; }
  const core::AdamW& optimizer() const { return optimizer_; }

 private:
  TrainStepOptions options_;
  core::Classifier classifier_;
  std::vector<core::NamedParameter> parameters_;
  core::AdamW optimizer_;
  c10::intrusive_ptr<c10d::ProcessGroup> group_;
  distributed::GradientReducer reducer_;
};

}  // namespace permafrost::launch
