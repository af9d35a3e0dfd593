// Our network and encoder on a fixture of the reference implementation (layout of tests/golden/dist_*.safetensors):
// the errors of everything it holds, relative to the largest magnitude of the expected tensor.
//
//   DistGolden golden("tests/golden/dist_tiny.safetensors");
//   Errors errors = golden.gradients();          // by tensor name
//   EXPECT_LT(worst(errors), kGoldenTolerance);
#pragma once

#include <torch/types.h>

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/checkpoint/safetensors.h"
#include "core/dist/dist_net.h"
#include "core/encoder/vision_transformer.h"

namespace permafrost::testing {

using Errors = std::map<std::string, double>;

double worst(const Errors& errors);

class DistGolden {
 public:
  // Everything is computed on `device`. Throws DataError where the file is not such a fixture.
  explicit DistGolden(const std::string& path, torch::Device device = torch::kCPU);

  Errors features();         // every layer of the frozen ViT, and CLIP's frame embedding
  Errors activations();      // every sub-network's output
  Errors outputs();          // "embedding", "logits", "loss"
  Errors gradients();        // every parameter's; the key third of an in_proj_bias times 2e-5 / 1e-5, as it is absolute
  Errors after_step();       // weights after one step of the recipe, less in_proj_bias and what is_undetermined() holds
  double bfloat16_logits();  // largest error of the logits under bf16 autocast, relative to the range of the logits

  // Parameters that got no gradient, and those the reference says get none.
  std::vector<std::string> without_gradient();
  std::vector<std::string> expected_without_gradient() const;

  // Where the reference's gradient is below the fixture's own precision (3e-6 of the tensor's largest; shared by all
  // fixtures) its sign is chance, and Adam's first step is the sign times the rate.
  torch::Tensor is_undetermined(const std::string& parameter) const;
  int64_t undetermined_elements() const;
  int64_t elements() const;

  core::DistNet& net() { return net_; }

 private:
  std::map<std::string, torch::Tensor> with_prefix(const std::string& prefix) const;
  core::DistConfig dist_config() const;
  torch::Tensor frozen_features() const;  // the selected layers, [N, B, t, L, C]
  torch::Tensor pixels() const;           // [B, F, 3, S, S], normalised
  torch::Tensor logits(const torch::Tensor& embedding) const;
  torch::Tensor loss(const torch::Tensor& logits) const;
  torch::Tensor embed() { return net_->forward(pixels(), frozen_features()); }
  double error_of(const torch::Tensor& found, const std::string& name) const;

  core::SafetensorsFile file_;
  nlohmann::json meta_;
  torch::Device device_;
  std::vector<int64_t> layers_;
  core::DistNet net_{nullptr};
};

}  // namespace permafrost::testing
