#include "data/loader/shard_stage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <functional>
#include <thread>

#include "core/base/file.h"
#include "data/loader/cached_clips.h"
#include "tests/data/cache/make_cache.h"
#include "tests/temporary_directory.h"

namespace permafrost::data {
namespace {

namespace fs = std::filesystem;
using namespace permafrost::testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr int64_t kUnits = 4;
constexpr uint64_t kPlenty = uint64_t{1} << 30;

bool comes_true(const std::function<bool()>& is_true) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!is_true()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

std::vector<std::string> names_in(const std::string& directory) {
  std::vector<std::string> names;
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory, ignored)) {
    if (entry.path().filename() != ".lock") names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

// Every batch reads each of the shards `times` times.
ShardRequests every_shard(int64_t shards, int64_t times, int64_t batches) {
  return [=, left = batches]() mutable -> std::optional<std::vector<int64_t>> {
    if (left-- == 0) return std::nullopt;
    std::vector<int64_t> reads;
    for (int64_t i = 0; i < shards * times; ++i) reads.push_back(i % shards);
    return reads;
  };
}

// Batch i reads shard i, often.
ShardRequests one_after_the_other(int64_t shards) {
  return [=, next = int64_t{0}]() mutable -> std::optional<std::vector<int64_t>> {
    if (next == shards) return std::nullopt;
    return std::vector<int64_t>(20, next++);
  };
}

class ShardStageTest : public ::testing::Test {
 protected:
  ShardStageTest() : index_(write_cache(directory_ / "cache", small_key(), kUnits)), cache_(directory_ / "cache") {}

  std::string scratch() const { return directory_ / "scratch"; }
  std::string folder() const { return StageFolder::path_in(scratch(), index_); }
  std::string shard(int64_t place) const { return index_.shards[place].file; }
  std::string original(int64_t place) const { return directory_ / "cache/" + shard(place); }
  bool is_staged(int64_t place) const { return fs::exists(folder() + "/" + shard(place)); }

  // Reads every record through the stage, and the same without it.
  void expect_same_records(ShardStage& stage) {
    cache_.use_copies(&stage);
    const CacheReader plain(directory_ / "cache");
    for (int64_t i = 0; i < cache_.size(); ++i) {
      for (int64_t view = 0; view < cache_.videos()[i].views; ++view) {
        EXPECT_TRUE(is_equal(cache_.read(i, view), plain.read(i, view))) << cache_.videos()[i].id;
      }
    }
    cache_.use_copies(nullptr);
  }
  bool all_staged() const {
    for (int64_t place = 0; place < kUnits; ++place) {
      if (!is_staged(place)) return false;
    }
    return true;
  }

  TemporaryDirectory directory_;
  CacheIndex index_;
  CacheReader cache_;
};

TEST_F(ShardStageTest, CopiesEveryShardOnceAndReadsFromThereAndRemovesAll) {
  {
    ShardStage stage(cache_, {.directory = scratch(), .limit_bytes = kPlenty});
    expect_same_records(stage);
    EXPECT_EQ(stage.statistics().staged_reads, 0);
    stage.fetch_ahead(every_shard(kUnits, 2, 10));
    ASSERT_TRUE(comes_true([&] { return stage.statistics().copied_shards == kUnits; }));
    const int64_t before = stage.statistics().reads;
    expect_same_records(stage);
    EXPECT_EQ(stage.statistics().staged_reads, stage.statistics().reads - before);
    EXPECT_EQ(stage.statistics().copied_bytes, index_.bytes());
  }
  EXPECT_THAT(names_in(scratch()), IsEmpty());
}

TEST_F(ShardStageTest, ReadsCopiesThatAnotherProcessMakesAndTakesOverAfterIt) {
  auto first = std::make_unique<ShardStage>(cache_, ShardStageOptions{scratch(), kPlenty});
  first->fetch_ahead(every_shard(kUnits, 2, 10));
  ASSERT_TRUE(comes_true([&] { return all_staged(); }));
  ShardStage second(cache_, {.directory = scratch(), .limit_bytes = kPlenty});
  second.fetch_ahead(every_shard(kUnits, 2, 10));
  expect_same_records(second);
  EXPECT_EQ(second.statistics().staged_reads, second.statistics().reads);
  EXPECT_EQ(second.statistics().copied_shards, 0);
  first.reset();
  EXPECT_TRUE(comes_true([&] { return second.statistics().copied_shards == kUnits; }));
}

TEST_F(ShardStageTest, StaysWithinItsBoundAndFollowsTheBatches) {
  const uint64_t limit = index_.shards[0].bytes * 2 + 1;
  ShardStage stage(cache_, {.directory = scratch(), .limit_bytes = limit});
  stage.fetch_ahead(one_after_the_other(kUnits));
  for (int64_t batch = 0; batch < kUnits; ++batch) {
    stage.reach(batch);
    const int64_t next = std::min(batch + 1, kUnits - 1);
    ASSERT_TRUE(comes_true([&] { return is_staged(batch) && is_staged(next); })) << "batch " << batch;
    uint64_t bytes = 0;
    for (const std::string& name : names_in(folder())) bytes += core::file_bytes(folder() + "/" + name);
    EXPECT_LE(bytes, limit);
    expect_same_records(stage);
  }
  EXPECT_EQ(stage.statistics().copied_shards, kUnits);
}

TEST_F(ShardStageTest, DoesNotStageADamagedShard) {
  flip(original(1), index_.shards[1].bytes / 2, 0x10);
  ShardStage stage(cache_, {.directory = scratch(), .limit_bytes = kPlenty});
  stage.fetch_ahead(every_shard(kUnits, 2, 10));
  ASSERT_TRUE(comes_true([&] { return stage.statistics().copied_shards == kUnits - 1; }));
  EXPECT_THAT(names_in(folder()), ElementsAre(shard(0), shard(2), shard(3)));
}

TEST_F(ShardStageTest, ReadsTheShardItselfWhereTheCopyIsDamagedCutOrGone) {
  ShardStage stage(cache_, {.directory = scratch(), .limit_bytes = kPlenty});
  stage.fetch_ahead(every_shard(kUnits, 2, 10));
  ASSERT_TRUE(comes_true([&] { return all_staged(); }));
  for (uint64_t at = 1; at < 8; ++at) flip(folder() + "/" + shard(0), index_.shards[0].bytes * at / 8, 0xff);
  fs::resize_file(folder() + "/" + shard(1), 5000);
  fs::remove(folder() + "/" + shard(2));
  expect_same_records(stage);
  EXPECT_FALSE(is_staged(0)) << "a damaged copy is not read again and again";
  fs::remove_all(folder());
  expect_same_records(stage);
}

TEST_F(ShardStageTest, ReadingGoesOnWhereTheFolderVanishesBeforeTheCopies) {
  ShardStage stage(cache_, {.directory = scratch(), .limit_bytes = index_.shards[0].bytes + 1});
  stage.fetch_ahead(one_after_the_other(kUnits));
  ASSERT_TRUE(comes_true([&] { return is_staged(0); }));
  fs::remove_all(scratch());
  stage.reach(1);
  expect_same_records(stage);
  EXPECT_EQ(stage.statistics().staged_reads, 0);
}

TEST_F(ShardStageTest, ReadingGoesOnWhereNothingFits) {
  ShardStage stage(cache_, {.directory = scratch(), .limit_bytes = 1000});
  stage.fetch_ahead(every_shard(kUnits, 2, 10));
  ASSERT_TRUE(comes_true([&] { return fs::exists(folder()); }));
  expect_same_records(stage);
  EXPECT_THAT(names_in(folder()), IsEmpty());
}

TEST_F(ShardStageTest, ReadingGoesOnWhereTheDiskTakesNoMore) {
  struct rlimit before {};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, SIG_IGN);
  const struct rlimit tight { index_.shards[0].bytes / 2, before.rlim_max };
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &tight), 0);
  {
    ShardStage stage(cache_, {.directory = scratch(), .limit_bytes = kPlenty});
    stage.fetch_ahead(every_shard(kUnits, 2, 10));
    ASSERT_TRUE(comes_true([&] { return fs::exists(folder()); }));
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    expect_same_records(stage);
    EXPECT_EQ(stage.statistics().copied_shards, 0);
    EXPECT_THAT(names_in(folder()), IsEmpty()) << "a partial copy stays on a full disk";
  }
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_THAT(names_in(scratch()), IsEmpty());
}

TEST_F(ShardStageTest, ReadingGoesOnWhereTheFolderCannotBeMade) {
  core::publish_text(directory_ / "file", "no folder");
  ShardStage stage(cache_, {.directory = directory_ / "file", .limit_bytes = kPlenty});
  stage.fetch_ahead(every_shard(kUnits, 2, 10));
  expect_same_records(stage);
}

TEST_F(ShardStageTest, RemovesWhatTheDeadLeftAndKeepsWhatTheLivingHave) {
  const std::string dead = scratch() + "/permafrost-00000000000000aa",
                    living = scratch() + "/permafrost-00000000000000bb",
                    mixed = scratch() + "/permafrost-00000000000000cc", stranger = scratch() + "/permafrost-results";
  for (const std::string& path : {dead, living, mixed, stranger, folder()}) {
    core::make_directories(path);
    core::publish_text(path + "/shard-00009.h5", "a copy");
    core::publish_text(path + "/shard-00008.h5.partial-host-1", "a part of one");
  }
  core::publish_text(mixed + "/notes.txt", "of the user's");
  const core::DirectoryLock lock(living);
  const StageFolder stage(scratch(), index_);
  EXPECT_THAT(names_in(folder()), IsEmpty());
  EXPECT_FALSE(fs::exists(dead));
  EXPECT_THAT(names_in(mixed), ElementsAre("notes.txt"));
  EXPECT_EQ(names_in(living).size(), 2U);
  EXPECT_EQ(names_in(stranger).size(), 2U);
  EXPECT_THROW(StageFolder(scratch(), index_), core::IoError) << "held by a living process";
}

TEST_F(ShardStageTest, ACacheOfOtherBytesHasAnotherFolder) {
  CacheIndex other = index_;
  other.shards[2].crc32c ^= 1;
  EXPECT_NE(StageFolder::path_in(scratch(), other), folder());
}

TEST_F(ShardStageTest, RequestsNameTheShardsOfTheRanksOfTheNode) {
  const CachedClips clips(cache_, "train", ViewPolicy::kOnePerEpoch);
  const OrderOptions order{.seed = 3, .samples = clips.size(), .global_batch = 4, .is_training = true};
  const BatchCursor start{.epoch = 1, .batch = 1};
  ShardRequests all = shard_requests(clips, order, start, 5, {.parts = {0, 1}, .ranks = 2});
  ShardRequests second = shard_requests(clips, order, start, 5, {.parts = {1}, .ranks = 2});
  BatchRequests expected(order, start, 100, 1, 2);
  for (int64_t batch = 0; batch < 5; ++batch) {
    std::vector<int64_t> shards;
    const BatchRequest request = *expected.next();
    for (const int64_t sample : request.samples) shards.push_back(clips.video(sample).shard);
    EXPECT_EQ(second(), shards);
    EXPECT_EQ(all()->size(), 4U);
  }
  EXPECT_FALSE(second());
}

}  // namespace
}  // namespace permafrost::data
