#include "core/base/parallel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>
#include <vector>

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

TEST(ParallelForEach, DoesEachOnceOnSeveralThreads) {
  std::vector<std::atomic<int>> done(1000);
  std::atomic<int64_t> met{0};
  parallel_for_each(1000, 3, [&](int64_t i) {
    ++done[static_cast<size_t>(i)];
    if (i < 3) {  // the first three wait for each other: one thread alone would wait for ever
      ++met;
      while (met < 3) std::this_thread::yield();
    }
  });
  EXPECT_TRUE(std::all_of(done.begin(), done.end(), [](const std::atomic<int>& count) { return count == 1; }));
}

TEST(ParallelForEach, ThrowsWhatOneThrewAndBeginsNoMore) {
  std::atomic<int64_t> begun{0};
  EXPECT_THROW(parallel_for_each(100, 1,
                                 [&](int64_t i) {
                                   ++begun;
                                   if (i == 5) throw std::runtime_error("five");
                                 }),
               std::runtime_error);
  EXPECT_EQ(begun, 6);
}

TEST(ParallelForEach, ThrowsWhatTheFirstThrewThoughALaterOneThrewBefore) {
  std::atomic<bool> has_thrown{false};
  const auto work = [&](int64_t i) {
    if (i == 1) {
      has_thrown = true;
      throw std::runtime_error("one");
    }
    while (!has_thrown) std::this_thread::yield();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    throw std::runtime_error("zero");
  };
  EXPECT_THAT([&] { parallel_for_each(2, 2, work); }, ::testing::ThrowsMessage<std::runtime_error>("zero"));
}

TEST(ParallelInOrder, DoesNothingForNothing) {
  parallel_in_order(
      0, 2, [](int64_t i) { return i; }, [](int64_t, int64_t) { FAIL(); });
}

}  // namespace
}  // namespace permafrost::core
