#include "core/recipe/weight_average.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include "core/base/error.h"

namespace permafrost::core {
namespace {

class WeightAverages : public ::testing::Test {
 protected:
  void set(float value) {
    const torch::NoGradGuard no_grad;
    weight_.fill_(value);
  }
  torch::Tensor weight_ = torch::full({3}, 1.0F, torch::requires_grad());
  WeightAverage average_{{{"w", weight_}}, 0.75};
};

TEST_F(WeightAverages, FollowTheWeightsByTheDecay) {
  set(5);
  average_.update();  // 0.75 * 1 + 0.25 * 5
  EXPECT_TRUE(torch::equal(average_.state().at("w.average"), torch::full({3}, 2.0F)));
  set(6);
  average_.update();
  EXPECT_TRUE(torch::equal(average_.state().at("w.average"), torch::full({3}, 3.0F)));
}

TEST_F(WeightAverages, AreInUseOnlyWhileAskedFor) {
  set(0.1F);
  average_.update();
  {
    const WeightAverage::InUse in_use(average_);
    EXPECT_TRUE(torch::equal(weight_, average_.state().at("w.average")));
  }
  EXPECT_TRUE(torch::equal(weight_, torch::full({3}, 0.1F)));
}

TEST_F(WeightAverages, ComeBackFromACheckpoint) {
  set(9);
  average_.update();
  WeightAverage other({{"w", weight_}}, 0.75);
  other.load_state(average_.state(), "here");
  EXPECT_TRUE(torch::equal(other.state().at("w.average"), average_.state().at("w.average")));
  EXPECT_THROW(other.load_state({}, "here"), DataError);
  EXPECT_THROW(other.load_state({{"w.average", torch::zeros({4})}}, "here"), DataError);
}

TEST_F(WeightAverages, TakeThePlaceOfTheWeightsTheyBelongTo) {
  const auto used = averaged({{"w", torch::zeros({3})}, {"frozen", torch::ones({2})}}, average_.state());
  EXPECT_TRUE(torch::equal(used.at("w"), torch::ones({3})));
  EXPECT_TRUE(torch::equal(used.at("frozen"), torch::ones({2})));
}

}  // namespace
}  // namespace permafrost::core
