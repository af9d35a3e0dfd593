// The baseline that shows what the frozen features know without any temporal network: multinomial logistic regression
// on features averaged over frames.
//
//   ProbeResult probe = fit_linear_probe(train, validation, classes, {1e-4, 1e-2, 1.0});
#pragma once

#include <torch/types.h>

#include <vector>

namespace permafrost::core {

struct LabelledFeatures {
  torch::Tensor features;  // float [M, C]
  torch::Tensor targets;   // int64 [M]
};

struct ProbeFit {
  double l2;    // strength of the penalty on the weights, per sample
  double top1;  // on the validation set
};

struct ProbeResult {
  std::vector<ProbeFit> fits;
  double top1;  // of the best: chosen on the validation set itself, so it flatters the probe, never us
};

// Mean over frames of the last frozen layer's class token and of its mean patch token, side by side:
// features float [N, t, L, C] -> [2C].
torch::Tensor probe_features(const torch::Tensor& features);

// Standardises by the training set, then minimises cross entropy by L-BFGS for each of `l2`.
ProbeResult fit_linear_probe(const LabelledFeatures& train, const LabelledFeatures& validation, int64_t classes,
                             const std::vector<double>& l2);

}  // namespace permafrost::core
