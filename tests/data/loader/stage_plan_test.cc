#include "data/loader/stage_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "core/base/random.h"
#include "data/loader/epoch_order.h"

namespace permafrost::data {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr int64_t kRecords = 4;
constexpr uint64_t kBytes = 100;
using Batches = std::vector<std::vector<int64_t>>;

std::vector<ShardSummary> make_shards(int64_t count) {
  const ShardVideo video{.id = "a", .label = "b", .split = "train", .views = kRecords};
  return std::vector<ShardSummary>(count, ShardSummary{.bytes = kBytes, .videos = {video}});
}

ShardRequests requests_of(const Batches& batches) {
  return [&batches, at = size_t{0}]() mutable -> std::optional<std::vector<int64_t>> {
    if (at == batches.size()) return std::nullopt;
    return batches[at++];
  };
}

// `epochs` shuffled ones, that each read every record once; a batch is one read.
Batches shuffled(int64_t shards, int64_t epochs) {
  Batches batches;
  for (int64_t epoch = 0; epoch < epochs; ++epoch) {
    for (const int64_t sample : epoch_order(7, epoch, shards * kRecords)) batches.push_back({sample / kRecords});
  }
  return batches;
}

struct Outcome {
  int64_t copied = 0, evicted = 0, staged_reads = 0, reads = 0;

  // Copying reads a shard once, and a read from a copy saves a record.
  bool is_worth_it() const { return staged_reads >= copied * kRecords; }
};

// A node whose copies take no time, so that all that decides is the plan.
class Node {
 public:
  Node(int64_t shards, uint64_t limit_bytes, const Batches& batches)
      : batches_(batches), limit_bytes_(limit_bytes), plan_(make_shards(shards), limit_bytes, requests_of(batches_)) {}

  Outcome run() {
    for (size_t batch = 0; batch < batches_.size(); ++batch) {
      plan_.advance(static_cast<int64_t>(batch));
      while (const auto fetch = plan_.next_fetch()) obey(*fetch);
      for (const int64_t shard : batches_[batch]) {
        ++outcome_.reads;
        outcome_.staged_reads += held_.contains(shard) ? 1 : 0;
      }
    }
    return outcome_;
  }

 private:
  void obey(const StagePlan::Fetch& fetch) {
    for (const int64_t shard : fetch.evicted) {
      EXPECT_EQ(held_.erase(shard), 1U);
      plan_.drop(shard);
      ++outcome_.evicted;
    }
    EXPECT_TRUE(held_.insert(fetch.shard).second);
    plan_.hold(fetch.shard);
    plan_.arrive(fetch.shard);
    ++outcome_.copied;
    EXPECT_EQ(plan_.held_bytes(), held_.size() * kBytes);
    EXPECT_LE(plan_.held_bytes(), limit_bytes_);
  }

  Batches batches_;
  uint64_t limit_bytes_;
  StagePlan plan_;
  std::set<int64_t> held_;
  Outcome outcome_;
};

TEST(StagePlan, CopiesACacheThatFitsOnce) {
  const Outcome outcome = Node(10, 10 * kBytes, shuffled(10, 5)).run();
  EXPECT_EQ(outcome.copied, 10);
  EXPECT_EQ(outcome.staged_reads, outcome.reads);
}

TEST(StagePlan, KeepsWhatFitsOfShuffledEpochsAndNeverThrashes) {
  const Outcome outcome = Node(10, 5 * kBytes + 50, shuffled(10, 20)).run();
  EXPECT_EQ(outcome.copied, 5);
  EXPECT_EQ(outcome.evicted, 0);
  EXPECT_EQ(outcome.staged_reads, 5 * kRecords * 20);
}

TEST(StagePlan, CopiesNothingForTheLastEpoch) { EXPECT_EQ(Node(10, 10 * kBytes, shuffled(10, 1)).run().copied, 0); }

TEST(StagePlan, CopiesNothingThatDoesNotFitAtAll) { EXPECT_EQ(Node(10, kBytes - 1, shuffled(10, 5)).run().copied, 0); }

TEST(StagePlan, FetchesAheadWhereOneShardIsReadAfterTheOther) {
  Batches batches;
  for (int64_t shard = 0; shard < 10; ++shard) {
    for (int64_t i = 0; i < 3 * kRecords; ++i) batches.push_back({shard});
  }
  const Outcome outcome = Node(10, 2 * kBytes, batches).run();
  EXPECT_EQ(outcome.copied, 10);
  EXPECT_EQ(outcome.evicted, 8);
  EXPECT_EQ(outcome.staged_reads, outcome.reads);
}

TEST(StagePlan, NeverCopiesMoreThanItSaves) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    core::RandomStream random(seed, {1});
    Batches batches(300);
    const uint64_t spread = 1 + random.next() % 8;  // how many shards are read at the same time
    for (size_t i = 0; i < batches.size(); ++i) {
      for (uint64_t read = random.next() % 3; read > 0; --read) {
        batches[i].push_back(static_cast<int64_t>((i / 40 + random.next() % spread) % 8));
      }
    }
    const Outcome outcome = Node(8, (1 + random.next() % 8) * kBytes, batches).run();
    EXPECT_TRUE(outcome.is_worth_it()) << "seed " << seed << ": " << outcome.copied << " copied, "
                                       << outcome.staged_reads << " reads staged";
  }
}

// Shards 0 and 1 have paid for themselves; 2 is read often from batch 1 on.
TEST(StagePlan, EvictsTheCopyWhoseNextReadIsFurthestAway) {
  const std::vector<int64_t> often(2 * kRecords + 1, 2);
  for (const int64_t furthest : {0, 1}) {
    Batches batches{{0, 0, 0, 0, 0, 1, 1, 1, 1, 1}, often, {1 - furthest}, {furthest}};
    StagePlan plan(make_shards(3), 2 * kBytes, requests_of(batches));
    for (const int64_t shard : {0, 1}) {
      plan.hold(shard);
      plan.arrive(shard);
    }
    EXPECT_FALSE(plan.next_fetch()) << "a copy that has not paid for itself was evicted";
    plan.advance(1);
    const auto fetch = plan.next_fetch();
    ASSERT_TRUE(fetch);
    EXPECT_EQ(fetch->shard, 2);
    EXPECT_THAT(fetch->evicted, ElementsAre(furthest));
  }
}

TEST(StagePlan, KeepsACopyThatIsReadAgainBeforeTheNewcomerHasPaid) {
  Batches batches{{0, 0, 0, 0, 0}, {1, 1, 1, 1}, {0, 0, 0}, {1, 1, 1, 1}, {0, 0}};
  StagePlan plan(make_shards(2), kBytes, requests_of(batches));
  plan.hold(0);
  plan.arrive(0);
  plan.advance(1);
  EXPECT_FALSE(plan.next_fetch());
}

TEST(StagePlan, EvictsACopyThatComesBackInTime) {
  Batches batches{std::vector<int64_t>(5, 0), std::vector<int64_t>(9, 1), {}, std::vector<int64_t>(20, 0)};
  const Outcome outcome = Node(2, kBytes, batches).run();
  EXPECT_EQ(outcome.copied, 3);
  EXPECT_EQ(outcome.staged_reads, outcome.reads);
}

TEST(StagePlan, TakesFirstWhatIsReadFirstAndNeverWhatWasGivenUp) {
  Batches batches{{2}, {0}, {1}, {0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2}};
  StagePlan plan(make_shards(3), 3 * kBytes, requests_of(batches));
  EXPECT_EQ(plan.next_fetch()->shard, 2);
  EXPECT_THAT(plan.next_fetch()->evicted, IsEmpty());
  plan.give_up(2);
  EXPECT_EQ(plan.next_fetch()->shard, 0);
}

TEST(StagePlan, IsFinishedAfterTheLastRead) {
  Batches batches{{0}, {1}};
  StagePlan plan(make_shards(2), 0, requests_of(batches));
  plan.advance(1);
  EXPECT_FALSE(plan.is_finished());
  plan.advance(2);
  EXPECT_TRUE(plan.is_finished());
}

}  // namespace
}  // namespace permafrost::data
