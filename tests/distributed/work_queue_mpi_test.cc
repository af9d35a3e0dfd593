#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "distributed/work_queue.h"

namespace permafrost::distributed {
namespace {

class WorkQueueTest : public testing::Test {
 protected:
  // What each rank got, on every rank, in order of rank and of arrival.
  std::vector<std::vector<int64_t>> exchange(const std::vector<int64_t>& mine) {
    std::ostringstream text;
    for (const int64_t unit : mine) text << unit << ' ';
    std::vector<std::vector<int64_t>> all;
    for (const std::string& line : world_.all_gather_strings(text.str())) {
      std::istringstream in(line);
      all.emplace_back(std::istream_iterator<int64_t>(in), std::istream_iterator<int64_t>());
    }
    return all;
  }
  static std::vector<int64_t> flat_and_sorted(const std::vector<std::vector<int64_t>>& lists) {
    std::vector<int64_t> flat;
    for (const auto& list : lists) flat.insert(flat.end(), list.begin(), list.end());
    std::sort(flat.begin(), flat.end());
    return flat;
  }
  std::vector<int64_t> units_on_root(int64_t count) const {
    std::vector<int64_t> units(world_.is_root() ? static_cast<size_t>(count) : 0);
    std::iota(units.begin(), units.end(), 0);
    return units;
  }

  Communicator world_{MPI_COMM_WORLD};
};

TEST_F(WorkQueueTest, HandsOutEveryUnitOnce) {
  WorkQueue queue(world_, units_on_root(500));
  std::vector<int64_t> mine;
  while (const auto unit = queue.next()) mine.push_back(*unit);
  EXPECT_TRUE(std::is_sorted(mine.begin(), mine.end())) << "units come in the order given";
  std::vector<int64_t> expected(500);
  std::iota(expected.begin(), expected.end(), 0);
  EXPECT_EQ(flat_and_sorted(exchange(mine)), expected);
}

TEST_F(WorkQueueTest, CountsOnRank0WhatAllRanksHaveFinished) {
  WorkQueue queue(world_, units_on_root(50));
  int64_t before = 0;
  while (queue.next()) {
    EXPECT_GE(queue.finished(), before);
    EXPECT_LT(queue.finished(), 50) << "this rank's unit, at least, is not finished";
    before = queue.finished();
  }
  world_.barrier();
  EXPECT_EQ(queue.finished(), world_.is_root() ? 50 : 0);
}

TEST_F(WorkQueueTest, KeepsNegativeAndRepeatedUnitsAndTheirOrder) {
  WorkQueue queue(world_, world_.is_root() ? std::vector<int64_t>{-1, 0, 7, 7, INT64_MAX} : std::vector<int64_t>{});
  std::vector<int64_t> mine;
  while (const auto unit = queue.next()) mine.push_back(*unit);
  EXPECT_EQ(flat_and_sorted(exchange(mine)), (std::vector<int64_t>{-1, 0, 7, 7, INT64_MAX}));
}

TEST_F(WorkQueueTest, GivesNothingWhenItIsEmptyHoweverOftenAsked) {
  WorkQueue queue(world_, {});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(queue.next(), std::nullopt);
}

TEST_F(WorkQueueTest, ServesTheOthersWhileRank0IsBusy) {
  WorkQueue queue(world_, units_on_root(20));
  std::vector<int64_t> mine;
  // Rank 0 works on its first unit until the others have done all the rest: it must be served by its thread.
  if (world_.is_root()) mine.push_back(queue.next().value());
  world_.barrier();
  if (!world_.is_root()) {
    while (const auto unit = queue.next()) mine.push_back(*unit);
  }
  world_.barrier();
  if (world_.is_root() && world_.size() > 1) {
    EXPECT_EQ(queue.next(), std::nullopt);
  }
  const auto all = exchange(mine);
  EXPECT_EQ(all[0], std::vector<int64_t>{0});
  EXPECT_EQ(flat_and_sorted(all).size(), world_.size() > 1 ? 20u : 1u);
}

TEST_F(WorkQueueTest, EndsThoughARankStopsAsking) {
  std::vector<int64_t> mine;
  {
    WorkQueue queue(world_, units_on_root(30));
    if (world_.rank() == world_.size() - 1) {
      mine.push_back(queue.next().value_or(-1));
    } else {
      while (const auto unit = queue.next()) mine.push_back(*unit);
    }
  }
  const auto all = flat_and_sorted(exchange(mine));
  EXPECT_EQ(std::adjacent_find(all.begin(), all.end()), all.end()) << "a unit was handed out twice";
}

TEST_F(WorkQueueTest, GivesNothingOnceAnyRankClosedIt) {
  WorkQueue queue(world_, units_on_root(1000));
  queue.next();
  world_.barrier();
  if (world_.rank() == world_.size() - 1) queue.close();
  world_.barrier();
  EXPECT_EQ(queue.next(), std::nullopt);
}

TEST_F(WorkQueueTest, LetsTwoQueuesLiveTogether) {
  WorkQueue first(world_, units_on_root(40));
  WorkQueue second(world_, units_on_root(60));
  std::vector<int64_t> from_first;
  std::vector<int64_t> from_second;
  for (;;) {
    const auto a = first.next();
    const auto b = second.next();
    if (a) from_first.push_back(*a);
    if (b) from_second.push_back(*b);
    if (!a && !b) break;
  }
  EXPECT_EQ(flat_and_sorted(exchange(from_first)).size(), 40u);
  EXPECT_EQ(flat_and_sorted(exchange(from_second)).size(), 60u);
}

TEST_F(WorkQueueTest, SurvivesAnExceptionOnEveryRank) {
  EXPECT_THROW(
      {
        WorkQueue queue(world_, units_on_root(10));
        queue.next();
        world_.barrier();  // rank 0 answers nobody once it unwinds
        throw std::runtime_error("asked to leave");
      },
      std::runtime_error);
  EXPECT_EQ(world_.all_reduce_max(1), 1);
}

}  // namespace
}  // namespace permafrost::distributed
