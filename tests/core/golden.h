// Comparison with the reference's tensors: largest difference over the largest magnitude of the reference.
#pragma once

#include <torch/types.h>

#include <cmath>
#include <string>

namespace permafrost::testing {

constexpr double kGoldenTolerance = 2e-5;  // fixtures are good to 3e-6; typical mistakes move results by 3e-5 or more

inline double relative_error(const torch::Tensor& found, const torch::Tensor& expected) {
  const double scale = expected.abs().max().item<double>();
  return (found.to(torch::kFloat64) - expected.to(torch::kFloat64)).abs().max().item<double>() /
         (scale > 0 ? scale : 1.0);
}

// The larger of two errors; NaN is larger than any number.
inline double worse(double a, double b) { return std::isnan(a) || a >= b ? a : b; }

// An error as the tools print it: JSON knows no NaN, so what is not a number counts as 1e30.
inline double printable(double error) { return std::isfinite(error) ? error : 1e30; }

inline std::string golden_path(const std::string& name) { return std::string(PERMAFROST_GOLDEN) + "/" + name; }

}  // namespace permafrost::testing
