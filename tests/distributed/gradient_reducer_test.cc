#include "distributed/gradient_reducer.h"

#include <gtest/gtest.h>
#include <torch/types.h>

namespace permafrost::distributed {
namespace {

// A reducer of one rank asks its group for nothing but its size.
c10::intrusive_ptr<c10d::ProcessGroup> lonely_group() { return c10::make_intrusive<c10d::ProcessGroup>(0, 1); }

TEST(GradientReducerOfOneRank, LeavesTheGradientAsItIs) {
  torch::Tensor weight = torch::ones({3}, torch::requires_grad());
  GradientReducer reducer({weight}, lonely_group());
  EXPECT_EQ(reducer.bucket_count(), 0);
  reducer.prepare_for_backward();
  (2 * weight).sum().backward();
  reducer.finish();
  EXPECT_TRUE(torch::equal(weight.grad(), torch::full({3}, 2.0)));
  reducer.release_gradients();
  EXPECT_FALSE(weight.grad().defined());
}

TEST(GradientReducerDeathTest, NamesAParameterWithoutGradient) {
  torch::Tensor used = torch::ones({3}, torch::requires_grad());
  torch::Tensor unused = torch::ones({3}, torch::requires_grad());
  GradientReducerOptions options;
  options.names = {"head.weight", "tail.weight"};
  GradientReducer reducer({used, unused}, lonely_group(), options);
  reducer.prepare_for_backward();
  used.sum().backward();
  EXPECT_DEATH(reducer.finish(), "tail.weight got no gradient");
}

TEST(GradientReducerDeathTest, RefusesAFrozenParameter) {
  EXPECT_DEATH(GradientReducer({torch::ones({3})}, lonely_group()), "parameter 0 is frozen");
}

}  // namespace
}  // namespace permafrost::distributed
