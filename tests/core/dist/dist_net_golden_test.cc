// DistNet and the frozen encoder against the reference implementation's own numbers (tests/golden).
#include <gtest/gtest.h>

#include "core/dist/dist_net.h"
#include "tests/core/dist/dist_golden.h"
#include "tests/core/golden.h"

namespace permafrost::core {
namespace {

using permafrost::testing::DistGolden;
using permafrost::testing::Errors;
using permafrost::testing::kGoldenTolerance;

class DistNetGolden : public ::testing::TestWithParam<std::string> {
 protected:
  static void expect_all_within_tolerance(const Errors& errors) {
    EXPECT_FALSE(errors.empty());
    for (const auto& [name, error] : errors) EXPECT_LT(error, kGoldenTolerance) << name;
  }

  DistGolden golden_{permafrost::testing::golden_path(GetParam())};
};

TEST_P(DistNetGolden, FrozenEncoderReturnsEveryLayer) { expect_all_within_tolerance(golden_.features()); }

TEST_P(DistNetGolden, EverySubNetworkHasTheReferencesOutput) { expect_all_within_tolerance(golden_.activations()); }

TEST_P(DistNetGolden, LookingInsideChangesNoNumber) {
  const Errors unseen = golden_.outputs();
  golden_.net()->observe = [](const std::string&, const torch::Tensor&) {};
  for (const auto& [name, error] : golden_.outputs()) EXPECT_NEAR(error, unseen.at(name), 1e-5) << name;
}

TEST_P(DistNetGolden, PoolingStaysInFloat32UnderAutocast) {
  golden_.net()->observe = [](const std::string& name, const torch::Tensor& output) {
    if (name.starts_with("integration_nets")) EXPECT_EQ(output.scalar_type(), torch::kBFloat16) << name;
    if (name.starts_with("adapooling_nets")) EXPECT_EQ(output.scalar_type(), torch::kFloat32) << name;
  };
  EXPECT_LT(golden_.bfloat16_logits(), 0.02);
}

TEST_P(DistNetGolden, EmbeddingAndLogitsAndLossAreTheReferences) { expect_all_within_tolerance(golden_.outputs()); }

TEST_P(DistNetGolden, EveryGradientIsTheReferences) { expect_all_within_tolerance(golden_.gradients()); }

TEST_P(DistNetGolden, TheParametersWithoutGradientAreTheReferences) {
  EXPECT_EQ(golden_.without_gradient(), golden_.expected_without_gradient());
}

TEST_P(DistNetGolden, OneStepOfTheRecipeGivesTheReferencesWeights) {
  expect_all_within_tolerance(golden_.after_step());
  EXPECT_LT(golden_.undetermined_elements(), golden_.elements() / 1000);
}

TEST_P(DistNetGolden, Bfloat16MovesTheLogitsByLessThanTwoPercentOfTheirRange) {
  EXPECT_LT(golden_.bfloat16_logits(), 0.02);
}

TEST_P(DistNetGolden, RecomputedLayersGiveTheSameGradients) {
  const Errors kept = golden_.gradients();
  golden_.net()->recomputes = true;
  const Errors recomputed = golden_.gradients();
  EXPECT_EQ(kept, recomputed);  // errors in every digit
  EXPECT_EQ(golden_.without_gradient(), golden_.expected_without_gradient());
}

INSTANTIATE_TEST_SUITE_P(Fixtures, DistNetGolden,
                         ::testing::Values("dist_tiny.safetensors", "dist_alpha4.safetensors",
                                           "dist_layers.safetensors"));

int64_t parameter_count(const DistConfig& config) {
  int64_t count = 0;
  for (const torch::Tensor& parameter : DistNet(config)->parameters()) count += parameter.numel();
  return count;
}

TEST(DistNet, HasThePublishedNumberOfParameters) {
  DistConfig kinetics;
  EXPECT_EQ(parameter_count(kinetics), 26105184);
  DistConfig something_something;
  something_something.pooling_layers = 2;
  EXPECT_NEAR(static_cast<double>(parameter_count(something_something)), 19.001e6, 500);
  DistConfig large;
  large.frames = 64, large.patch_size = 14, large.layers = 24, large.width = 1024, large.embedding = 768;
  EXPECT_NEAR(static_cast<double>(parameter_count(large)), 39.868e6, 500);
  large.pooling_layers = 2;
  EXPECT_NEAR(static_cast<double>(parameter_count(large)), 32.745e6, 500);
}

}  // namespace
}  // namespace permafrost::core
