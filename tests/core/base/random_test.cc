#include "core/base/random.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

namespace permafrost::core {
namespace {

TEST(RandomStream, DependsOnSeedAndEveryWordOfItsKey) {
  std::set<uint64_t> first;
  for (uint64_t seed = 0; seed < 4; ++seed) {
    for (uint64_t a = 0; a < 4; ++a) {
      for (uint64_t b = 0; b < 4; ++b) first.insert(RandomStream(seed, {a, b}).next());
    }
  }
  EXPECT_EQ(first.size(), 64u);
  EXPECT_EQ(RandomStream(3, {1, 2}).next(), RandomStream(3, {1, 2}).next());
  EXPECT_NE(RandomStream(3, {1, 2}).next(), RandomStream(3, {2, 1}).next());
}

// The order of batches and the initial weights hang on these numbers: a change of them breaks every resume.
TEST(RandomStream, KeepsItsNumbersForEver) {
  RandomStream random(7, {1, 2, 3});
  const uint64_t a = random.next(), b = random.next();
  EXPECT_EQ(a, 0x0789b10b2f91bd39ull);
  EXPECT_EQ(b, 0x061033c3e3b8bd4dull);
}

TEST(RandomStream, IsUniformAndNormalWithinFiveStandardErrors) {
  RandomStream random(1, {});
  const int count = 100000;
  double sum = 0, normal_sum = 0, normal_squares = 0;
  for (int i = 0; i < count; ++i) {
    const double x = random.uniform(), z = random.normal();
    ASSERT_GE(x, 0.0);
    ASSERT_LT(x, 1.0);
    sum += x;
    normal_sum += z;
    normal_squares += z * z;
  }
  EXPECT_NEAR(sum / count, 0.5, 5 * std::sqrt(1.0 / 12 / count));
  EXPECT_NEAR(normal_sum / count, 0.0, 5 * std::sqrt(1.0 / count));
  EXPECT_NEAR(normal_squares / count, 1.0, 5 * std::sqrt(2.0 / count));
}

TEST(Permutation, HoldsEveryIndexOnceAndFollowsItsStream) {
  const std::vector<int64_t> order = permutation(1000, RandomStream(1, {2}));
  EXPECT_EQ(std::set<int64_t>(order.begin(), order.end()).size(), 1000u);
  EXPECT_EQ(order, permutation(1000, RandomStream(1, {2})));
  EXPECT_NE(order, permutation(1000, RandomStream(1, {3})));
  EXPECT_TRUE(permutation(0, RandomStream(1, {})).empty());
}

// Mean 1/2, variance 1 / (4 (2 alpha + 1)), and for alpha = .8 the share below .1 of the incomplete beta function.
TEST(RandomStream, DrawsBeta) {
  constexpr int kDraws = 40000;
  for (const double alpha : {0.2, 0.8, 1.0, 3.0}) {
    double sum = 0, squares = 0;
    int below = 0;
    RandomStream random(11, {static_cast<uint64_t>(alpha * 10)});
    for (int i = 0; i < kDraws; ++i) {
      const double value = random.beta(alpha);
      ASSERT_GE(value, 0);
      ASSERT_LE(value, 1);
      sum += value;
      squares += (value - 0.5) * (value - 0.5);
      below += value < 0.1 ? 1 : 0;
    }
    EXPECT_NEAR(sum / kDraws, 0.5, 0.01) << alpha;
    EXPECT_NEAR(squares / kDraws, 1 / (4 * (2 * alpha + 1)), 0.003) << alpha;
    if (alpha == 0.8) EXPECT_NEAR(static_cast<double>(below) / kDraws, 0.1318, 0.01);
    if (alpha == 1.0) EXPECT_NEAR(static_cast<double>(below) / kDraws, 0.1, 0.01);
  }
}

}  // namespace
}  // namespace permafrost::core
