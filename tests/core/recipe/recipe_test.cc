#include <gtest/gtest.h>
#include <torch/types.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "core/base/file.h"
#include "core/dist/classifier.h"
#include "core/recipe/linear_probe.h"
#include "core/recipe/metrics.h"
#include "core/recipe/optimizer.h"
#include "core/recipe/schedule.h"
#include "tests/core/golden.h"

namespace permafrost::core {
namespace {

nlohmann::json golden() {
  return nlohmann::json::parse(read_text(permafrost::testing::golden_path("adamw_schedule.json")));
}

TEST(Schedule, IsTheReferencesAtEveryEighthOfAnEpoch) {
  const nlohmann::json table = golden()["lr_table"];
  ASSERT_GT(table.size(), 200u);
  for (const auto& row : table) {
    const double expected = row["lr_times_mult10"];
    EXPECT_NEAR(learning_rate_at(row["epoch"], {}), expected, 1e-12 + 1e-9 * expected) << row["epoch"];
  }
}

TEST(Optimizer, DecaysExactlyTheReferencesParameters) {
  std::set<std::string> expected, found;
  const nlohmann::json reference = golden();
  for (const auto& group : reference["groups"]) {
    for (const auto& parameter : group["params"]) {
      if (group["weight_decay"] > 0) expected.insert(parameter[0].get<std::string>().substr(9));  // "dist_net."
    }
  }
  const DistConfig config;
  const DistNet net(config);
  for (const auto& item : net->named_parameters()) {
    if (is_decayed({item.key(), item.value()})) found.insert(item.key());
  }
  EXPECT_EQ(expected.size(), 155u);
  EXPECT_EQ(found, expected);
}

DistConfig tiny() {
  DistConfig config;
  config.frames = 4, config.image_size = 16, config.patch_size = 8, config.layers = 2, config.width = 8;
  config.embedding = 8, config.integration_dim = 64, config.temporal_dim = 8, config.pooling_layers = 1;
  return config;
}

HeadConfig linear_head() { return {.kind = HeadKind::kLinear, .classes = 3}; }

// Two steps, or one step, a copy of everything into fresh objects, and the second step.
TEST(Optimizer, GoesOnToTheSameBitsFromItsSavedState) {
  const torch::Tensor pixels = torch::randint(0, 256, {3, 4, 3, 16, 16}).to(torch::kUInt8);
  const torch::Tensor features = torch::randn({2, 3, 2, 5, 8});
  const torch::Tensor targets = torch::tensor({0, 1, 2});
  const auto step = [&](Classifier& net, AdamW& optimizer) {
    net->zero_grad();
    torch::cross_entropy_loss(net(pixels, features)[0], targets).backward();
    optimizer.step(3.2e-4);
  };
  Classifier net(tiny(), linear_head());
  initialise(*net, 1);
  auto parameters = trainable_parameters(*net, 2);
  AdamW optimizer(parameters, {});
  step(net, optimizer);

  Classifier other(tiny(), linear_head());
  {
    torch::NoGradGuard no_grad;
    for (const auto& item : net->named_parameters()) other->named_parameters()[item.key()].copy_(item.value());
  }
  auto other_parameters = trainable_parameters(*other, 2);
  AdamW other_optimizer(other_parameters, {});
  other_optimizer.load_state(optimizer.state(), "test");
  step(net, optimizer);
  step(other, other_optimizer);
  for (const auto& item : net->named_parameters()) {
    EXPECT_TRUE(torch::equal(item.value(), other->named_parameters()[item.key()])) << item.key();
  }
}

TEST(Initialise, FollowsSeedAndNameAlone) {
  Classifier a(tiny(), linear_head()), b(tiny(), linear_head()), c(tiny(), linear_head());
  initialise(*a, 1);
  initialise(*b, 1);
  initialise(*c, 2);
  EXPECT_TRUE(torch::equal(a->head->linear->weight, b->head->linear->weight));
  EXPECT_FALSE(torch::equal(a->head->linear->weight, c->head->linear->weight));
  EXPECT_TRUE(torch::equal(a->dist_net->ln_post->weight, torch::ones({64})));
  const torch::Tensor stem = a->dist_net->temporal_stem->weight;
  EXPECT_NEAR(stem.std().item<double>(), 0.02, 0.002);
  EXPECT_NEAR(a->dist_net->proj.std().item<double>(), 0.125, 0.02);
}

TEST(Metrics, CountHitsWithTiesForTheLowerIndex) {
  EXPECT_TRUE(is_hit({0.1f, 0.7f, 0.2f}, 1, 1));
  EXPECT_FALSE(is_hit({0.1f, 0.7f, 0.2f}, 2, 1));
  EXPECT_TRUE(is_hit({0.1f, 0.7f, 0.2f}, 2, 2));
  EXPECT_TRUE(is_hit({0.5f, 0.5f}, 0, 1));
  EXPECT_FALSE(is_hit({0.5f, 0.5f}, 1, 1));
  EXPECT_FALSE(is_hit({std::nanf(""), 0.5f}, 0, 1));
}

TEST(LinearProbe, SeparatesWhatIsSeparableAndNothingElse) {
  torch::manual_seed(1);
  const torch::Tensor targets = torch::arange(300) % 3;
  const torch::Tensor noise = torch::randn({300, 4});
  const torch::Tensor signal = torch::cat({torch::one_hot(targets, 3) * 3.0 + 0.3 * torch::randn({300, 3}), noise}, 1);
  const auto halves = [&](const torch::Tensor& x) {
    return std::pair{LabelledFeatures{x.slice(0, 0, 150), targets.slice(0, 0, 150)},
                     LabelledFeatures{x.slice(0, 150), targets.slice(0, 150)}};
  };
  const auto [train, validation] = halves(signal);
  EXPECT_GT(fit_linear_probe(train, validation, 3, {1e-4, 1e-2}).top1, 0.97);
  const auto [blind_train, blind_validation] = halves(noise);
  EXPECT_LT(fit_linear_probe(blind_train, blind_validation, 3, {1e-4, 1e-2}).top1, 0.55);
}

}  // namespace
}  // namespace permafrost::core
