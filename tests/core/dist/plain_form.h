// Holds what is computed in few passes against the plain form of the same formula: values and gradients.
#pragma once

#include <gtest/gtest.h>
#include <torch/nn/module.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace permafrost::testing {

using Tensors = std::vector<torch::Tensor>;

inline constexpr double kLeast = 1e-3;  // what is smaller than that everywhere is compared with this

inline torch::Tensor random_parameter(at::IntArrayRef shape) { return torch::randn(shape).requires_grad_(true); }

// Every weight far from what it starts as, also those of norms. Returns them.
inline Tensors randomise(torch::nn::Module& module) {
  const torch::NoGradGuard no_grad;
  for (torch::Tensor& parameter : module.parameters()) {
    parameter.copy_(torch::randn(parameter.sizes()) / std::sqrt(static_cast<double>(parameter.size(-1))));
  }
  return module.parameters();
}

// What has been added up so far; from here on it begins again.
inline Tensors take_gradients(const Tensors& parameters) {
  Tensors gradients;
  for (torch::Tensor parameter : parameters) {
    gradients.push_back(parameter.grad());
    parameter.mutable_grad().reset();
  }
  return gradients;
}

inline Tensors gradients_of(const torch::Tensor& sum, const Tensors& parameters) {
  sum.backward({}, /*retain_graph=*/true, /*create_graph=*/false, parameters);
  return take_gradients(parameters);
}

// As a share of the largest value expected.
inline double error_of(const torch::Tensor& found, const torch::Tensor& expected) {
  return (found - expected).abs().max().item<double>() / std::max(kLeast, expected.abs().max().item<double>());
}

// Values of both, and the gradients of a weighted sum of them; `tolerance` is of the largest value of each.
inline void expect_close(const torch::Tensor& found, const torch::Tensor& expected, const Tensors& parameters,
                         double tolerance) {
  ASSERT_EQ(found.sizes(), expected.sizes());
  EXPECT_LE(error_of(found, expected), tolerance);
  const torch::Tensor weights = torch::randn(expected.sizes());
  const Tensors of_found = gradients_of((found * weights).sum(), parameters);
  const Tensors of_expected = gradients_of((expected * weights).sum(), parameters);
  for (size_t i = 0; i < parameters.size(); ++i) {
    ASSERT_EQ(of_found[i].defined(), of_expected[i].defined()) << "parameter " << i;
    EXPECT_LE(error_of(of_found[i], of_expected[i]), tolerance) << "parameter " << i;
  }
}

inline void expect_same(const torch::Tensor& found, const torch::Tensor& expected, const Tensors& parameters) {
  expect_close(found, expected, parameters, 1e-5);
}

}  // namespace permafrost::testing
