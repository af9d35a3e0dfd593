#include "data/loader/epoch_order.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "core/base/error.h"

namespace permafrost::data {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<BatchRequest> all_requests(const OrderOptions& options, BatchCursor start, int64_t end, int rank,
                                       int ranks) {
  BatchRequests requests(options, start, end, rank, ranks);
  std::vector<BatchRequest> all;
  while (auto request = requests.next()) all.push_back(*request);
  return all;
}

TEST(EpochOrder, IsAPermutationThatSeedAndEpochChange) {
  const std::vector<int64_t> order = epoch_order(1, 0, 100);
  EXPECT_EQ(order, epoch_order(1, 0, 100));
  EXPECT_NE(order, epoch_order(1, 1, 100));
  EXPECT_NE(order, epoch_order(2, 0, 100));
  std::vector<int64_t> sorted = order, expected(100);
  std::sort(sorted.begin(), sorted.end());
  std::iota(expected.begin(), expected.end(), 0);
  EXPECT_EQ(sorted, expected);
  EXPECT_NE(order, expected);
}

TEST(EpochOrder, NeverChangesBetweenVersions) {
  EXPECT_THAT(epoch_order(1, 0, 8), ElementsAre(6, 3, 7, 4, 2, 5, 0, 1));
}

TEST(RankSlice, SlicesInARowAreTheBatchForAnyNumberOfRanks) {
  for (int64_t size = 0; size < 20; ++size) {
    std::vector<int64_t> batch(size);
    std::iota(batch.begin(), batch.end(), 50);
    for (int ranks = 1; ranks <= 9; ++ranks) {
      std::vector<int64_t> joined;
      size_t smallest = 99, largest = 0;
      for (int rank = 0; rank < ranks; ++rank) {
        const std::vector<int64_t> slice = rank_slice(batch, rank, ranks);
        joined.insert(joined.end(), slice.begin(), slice.end());
        smallest = std::min(smallest, slice.size());
        largest = std::max(largest, slice.size());
      }
      EXPECT_EQ(joined, batch);
      EXPECT_LE(largest - smallest, 1u);
    }
  }
}

TEST(BatchRequests, ManyRanksTogetherSeeWhatOneSees) {
  for (const bool is_training : {true, false}) {
    const OrderOptions options{.seed = 4, .samples = 53, .global_batch = 8, .is_training = is_training};
    const std::vector<BatchRequest> alone = all_requests(options, {}, 3, 0, 1);
    for (const int ranks : {2, 3, 4}) {
      std::vector<std::vector<BatchRequest>> parts;
      for (int rank = 0; rank < ranks; ++rank) parts.push_back(all_requests(options, {}, 3, rank, ranks));
      for (size_t step = 0; step < alone.size(); ++step) {
        std::vector<int64_t> joined;
        for (const auto& part : parts) {
          ASSERT_EQ(part.size(), alone.size());
          EXPECT_EQ(part[step].cursor, alone[step].cursor);
          joined.insert(joined.end(), part[step].samples.begin(), part[step].samples.end());
        }
        EXPECT_EQ(joined, alone[step].samples);
      }
    }
  }
}

TEST(BatchRequests, TrainingDropsThePartialBatchAndEvaluationKeepsEverySampleOnce) {
  OrderOptions options{.seed = 4, .samples = 53, .global_batch = 8, .is_training = true};
  const auto training = all_requests(options, {}, 1, 0, 1);
  EXPECT_EQ(training.size(), 6u);
  std::set<int64_t> used;
  for (const auto& request : training) {
    EXPECT_EQ(request.samples.size(), 8u);
    used.insert(request.samples.begin(), request.samples.end());
  }
  EXPECT_EQ(used.size(), 48u);
  options.is_training = false;
  std::vector<int64_t> seen, expected(53);
  for (const auto& request : all_requests(options, {}, 1, 0, 1)) {
    seen.insert(seen.end(), request.samples.begin(), request.samples.end());
  }
  std::iota(expected.begin(), expected.end(), 0);
  EXPECT_EQ(seen, expected);
}

TEST(BatchRequests, GoOnFromAnyCursor) {
  const OrderOptions options{.seed = 9, .samples = 20, .global_batch = 6};
  const auto whole = all_requests(options, {}, 4, 1, 2);
  ASSERT_EQ(whole.size(), 12u);
  for (size_t done = 0; done < whole.size(); ++done) {
    const auto rest = all_requests(options, whole[done].cursor, 4, 1, 2);
    ASSERT_EQ(rest.size(), whole.size() - done);
    for (size_t i = 0; i < rest.size(); ++i) {
      EXPECT_EQ(rest[i].samples, whole[done + i].samples);
      EXPECT_EQ(rest[i].cursor, whole[done + i].cursor);
    }
  }
  EXPECT_EQ(all_requests(options, {.epoch = 1, .batch = 3}, 4, 1, 2).size(), 6u);  // the end of an epoch
  EXPECT_THAT(all_requests(options, {.epoch = 4, .batch = 0}, 4, 1, 2), IsEmpty());
}

TEST(BatchRequests, RefuseABatchThatNoEpochFillsAndACursorBeyondTheEpoch) {
  EXPECT_THROW(batches_per_epoch({.samples = 5, .global_batch = 8}), core::ConfigError);
  EXPECT_EQ(batches_per_epoch({.samples = 5, .global_batch = 8, .is_training = false}), 1);
  EXPECT_THROW(batches_per_epoch({.samples = 0, .global_batch = 8}), core::ConfigError);
  EXPECT_THROW(BatchRequests({.samples = 20, .global_batch = 6}, {.epoch = 0, .batch = 4}, 4, 0, 1), core::ConfigError);
}

TEST(ViewOfEpoch, ShowsEveryViewOnceInEveryTurn) {
  for (const int64_t views : {1, 2, 3, 5}) {
    for (const int64_t start : {0, 7}) {
      std::set<int64_t> seen;
      for (int64_t epoch = start; epoch < start + views; ++epoch) seen.insert(view_of_epoch("abc", epoch, views));
      EXPECT_EQ(static_cast<int64_t>(seen.size()), views);
      EXPECT_EQ(*seen.begin(), 0);
      EXPECT_EQ(*seen.rbegin(), views - 1);
    }
  }
  std::set<int64_t> first;
  for (int video = 0; video < 40; ++video) first.insert(view_of_epoch("video-" + std::to_string(video), 0, 3));
  EXPECT_EQ(first.size(), 3u);
}

}  // namespace
}  // namespace permafrost::data
