#include "core/base/parallel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <stdexcept>

namespace permafrost::core {
namespace {

TEST(ParallelInOrder, HandsOnEveryResultInOrderAndStaysWithinItsWindow) {
  std::atomic<int64_t> produced = 0;
  int64_t consumed = 0, furthest_ahead = 0;
  std::vector<int64_t> seen;
  parallel_in_order(
      200, 3,
      [&](int64_t i) {
        if (i % 7 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
        ++produced;
        return i * i;
      },
      [&](int64_t i, int64_t square) {
        EXPECT_EQ(square, i * i);
        furthest_ahead = std::max(furthest_ahead, produced - consumed);
        seen.push_back(i);
        ++consumed;
      });
  ASSERT_EQ(seen.size(), 200u);
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
  EXPECT_LE(furthest_ahead, 7);
}

TEST(ParallelInOrder, ThrowsWhatAProducerThrewAfterTheResultsBeforeIt) {
  int64_t consumed = 0;
  EXPECT_THROW(parallel_in_order(
                   10, 2,
                   [](int64_t i) {
                     if (i == 5) throw std::runtime_error("five");
                     return i;
                   },
                   [&](int64_t, int64_t) { ++consumed; }),
               std::runtime_error);
  EXPECT_EQ(consumed, 5);
}

TEST(ParallelInOrder, ThrowsWhatTheConsumerThrew) {
  EXPECT_THROW(parallel_in_order(
                   10, 2, [](int64_t i) { return i; }, [](int64_t, int64_t) { throw std::runtime_error("full"); }),
               std::runtime_error);
}

TEST(ParallelInOrder, DoesNothingForNothing) {
  parallel_in_order(
      0, 2, [](int64_t i) { return i; }, [](int64_t, int64_t) { FAIL(); });
}

}  // namespace
}  // namespace permafrost::core
