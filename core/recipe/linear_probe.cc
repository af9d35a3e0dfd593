#include "core/recipe/linear_probe.h"

#include <torch/optim/lbfgs.h>

#include <algorithm>

namespace permafrost::core {
namespace {

double fit_one(const LabelledFeatures& train, const LabelledFeatures& validation, int64_t classes, double l2) {
  const torch::Tensor weight = torch::zeros({classes, train.features.size(1)}, torch::requires_grad());
  const torch::Tensor bias = torch::zeros({classes}, torch::requires_grad());
  torch::optim::LBFGS optimizer(
      std::vector<torch::Tensor>{weight, bias},
      torch::optim::LBFGSOptions(1.0).max_iter(200).tolerance_grad(1e-6).line_search_fn("strong_wolfe"));
  optimizer.step([&] {
    optimizer.zero_grad();
    torch::Tensor loss = torch::cross_entropy_loss(torch::linear(train.features, weight, bias), train.targets) +
                         l2 * weight.square().sum();
    loss.backward();
    return loss;
  });
  torch::NoGradGuard no_grad;
  return torch::linear(validation.features, weight, bias)
      .argmax(1)
      .eq(validation.targets)
      .to(torch::kFloat64)
      .mean()
      .item<double>();
}

}  // namespace

torch::Tensor probe_features(const torch::Tensor& features) {
  const torch::Tensor last = features[features.size(0) - 1].to(torch::kFloat32);           // [t, L, C]
  return torch::cat({last.select(1, 0).mean(0), last.slice(1, 1).flatten(0, 1).mean(0)});  // [2C]
}

ProbeResult fit_linear_probe(const LabelledFeatures& train, const LabelledFeatures& validation, int64_t classes,
                             const std::vector<double>& l2) {
  const torch::Tensor mean = train.features.mean(0), deviation = train.features.std(0).clamp_min(1e-6);
  const LabelledFeatures a{(train.features - mean) / deviation, train.targets};
  const LabelledFeatures b{(validation.features - mean) / deviation, validation.targets};
  ProbeResult result{{}, 0.0};
  for (const double strength : l2) {
    result.fits.push_back({strength, fit_one(a, b, classes, strength)});
    result.top1 = std::max(result.top1, result.fits.back().top1);
  }
  return result;
}

}  // namespace permafrost::core
