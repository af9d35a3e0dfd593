#include "data/loader/clip_loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <fstream>

#include "data/loader/cached_clips.h"
#include "tests/data/cache/make_cache.h"

namespace permafrost::data {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using namespace permafrost::testing;

// Clips that say which they are, made at uneven speed.
class CountingClips : public ClipSource {
 public:
  explicit CountingClips(int64_t size) : size_(size) {}

  int64_t size() const override { return size_; }
  const Codec& codec() const override { return *codec_; }
  std::vector<int64_t> pixel_shape() const override { return {2, 3, 4, 4}; }
  ClipInfo read_into(int64_t sample, int64_t epoch, uint8_t* pixels, uint8_t* coded) const override {
    const int64_t call = reads++;
    std::this_thread::sleep_for(std::chrono::microseconds(core::stable_hash(std::to_string(call)) % 2000));
    if (sample == bad_sample || sample == worse_sample)
      throw core::DataError("clip " + std::to_string(sample) + " is bad");
    const auto value = static_cast<float>(sample);
    std::fill_n(pixels, pixel_bytes(), static_cast<uint8_t>(sample % 256));
    const std::vector<uint8_t> bytes =
        codec_->encode(torch::full({1, 1, 2, 3}, value + 1000.0f * static_cast<float>(epoch)), "v");
    std::copy(bytes.begin(), bytes.end(), coded);
    return {.target = sample * 10, .video_id = "v" + std::to_string(sample), .view = epoch};
  }

  mutable std::atomic<int64_t> reads{0};
  int64_t bad_sample = -1;
  int64_t worse_sample = -1;

 private:
  int64_t size_;
  std::unique_ptr<Codec> codec_ = make_codec({.name = "f32"}, {.layers = 1, .frames = 1, .tokens = 2, .width = 3});
};

torch::Tensor features_of(const ClipSource& source, const Batch& batch) {
  torch::Tensor room;
  return source.codec().decode_batch(batch.coded, room);
}

std::vector<Batch> load(const ClipSource& source, const OrderOptions& order, BatchCursor start, int64_t end,
                        LoaderOptions options, int rank = 0, int ranks = 1) {
  BatchRequests requests(order, start, end, rank, ranks);
  ClipLoader loader(
      source, [&] { return requests.next(); }, options);
  std::vector<Batch> batches;
  while (auto batch = loader.next()) batches.push_back(std::move(*batch));
  return batches;
}

TEST(ClipLoader, YieldsTheAskedOrderWhateverTheThreads) {
  const CountingClips source(23);
  const OrderOptions order{.seed = 3, .samples = 23, .global_batch = 5};
  for (const LoaderOptions options :
       {LoaderOptions{1, 1}, LoaderOptions{4, 1}, LoaderOptions{3, 4}, LoaderOptions{8, 2}}) {
    const std::vector<Batch> batches = load(source, order, {}, 3, options);
    BatchRequests expected(order, {}, 3, 0, 1);
    ASSERT_EQ(batches.size(), 12u);
    for (const Batch& batch : batches) {
      const BatchRequest request = *expected.next();
      ASSERT_EQ(batch.samples, request.samples);
      EXPECT_EQ(batch.cursor, request.cursor);
      ASSERT_EQ(batch.pixels.sizes(), torch::IntArrayRef({5, 2, 3, 4, 4}));
      const torch::Tensor features = features_of(source, batch);
      ASSERT_EQ(features.sizes(), torch::IntArrayRef({5, 1, 1, 2, 3}));
      for (int64_t i = 0; i < batch.size(); ++i) {
        const int64_t sample = batch.samples[i];
        EXPECT_TRUE((batch.pixels[i] == sample).all().item<bool>());
        EXPECT_TRUE((features[i] == sample + 1000 * batch.cursor.epoch).all().item<bool>());
        EXPECT_EQ(batch.targets[i].item<int64_t>(), sample * 10);
        EXPECT_EQ(batch.video_ids[i], "v" + std::to_string(sample));
        EXPECT_EQ(batch.views[i], batch.cursor.epoch);
      }
    }
  }
}

TEST(ClipLoader, RanksInARowAreOneRank) {
  const CountingClips source(23);
  const OrderOptions order{.seed = 3, .samples = 23, .global_batch = 6, .is_training = false};
  const std::vector<Batch> alone = load(source, order, {}, 1, {});
  for (const int ranks : {2, 4}) {
    std::vector<std::vector<Batch>> parts;
    for (int rank = 0; rank < ranks; ++rank) parts.push_back(load(source, order, {}, 1, {}, rank, ranks));
    for (size_t step = 0; step < alone.size(); ++step) {
      std::vector<torch::Tensor> features, targets;
      for (const auto& part : parts) {
        if (part[step].size() == 0) continue;
        features.push_back(part[step].coded);
        targets.push_back(part[step].targets);
      }
      EXPECT_TRUE(torch::equal(torch::cat(features), alone[step].coded));
      EXPECT_TRUE(torch::equal(torch::cat(targets), alone[step].targets));
    }
  }
}

TEST(ClipLoader, GoesOnFromACursor) {
  const CountingClips source(23);
  const OrderOptions order{.seed = 3, .samples = 23, .global_batch = 5};
  const std::vector<Batch> whole = load(source, order, {}, 2, {});
  const std::vector<Batch> rest = load(source, order, whole[3].cursor, 2, {.threads = 3, .batches_ahead = 3});
  ASSERT_EQ(rest.size(), whole.size() - 3);
  for (size_t i = 0; i < rest.size(); ++i) {
    EXPECT_EQ(rest[i].samples, whole[3 + i].samples);
    EXPECT_TRUE(torch::equal(rest[i].coded, whole[3 + i].coded));
  }
}

TEST(ClipLoader, YieldsEmptyBatchesInTheirPlace) {
  const CountingClips source(5);
  const OrderOptions order{.samples = 5, .global_batch = 4, .is_training = false};
  const std::vector<Batch> batches = load(source, order, {}, 3, {.threads = 2, .batches_ahead = 4}, 0, 4);
  std::vector<int64_t> sizes;
  for (const Batch& batch : batches) sizes.push_back(batch.size());
  EXPECT_THAT(sizes, ElementsAre(1, 0, 1, 0, 1, 0));
  EXPECT_FALSE(batches[1].pixels.defined());
}

TEST(ClipLoader, ThrowsTheErrorOfABatchInItsPlaceAndAgain) {
  CountingClips source(20);
  source.bad_sample = 13;
  source.worse_sample = 14;
  const OrderOptions order{.samples = 20, .global_batch = 5, .is_training = false};
  for (int turn = 0; turn < 5; ++turn) {
    BatchRequests requests(order, {}, 1, 0, 1);
    ClipLoader loader(source, [&] { return requests.next(); }, {.threads = 4, .batches_ahead = 3});
    EXPECT_TRUE(loader.next());
    EXPECT_TRUE(loader.next());
    for (int call = 0; call < 2; ++call) {
      EXPECT_THAT(message_of<core::DataError>([&] { loader.next(); }), HasSubstr("clip 13 is bad"));
    }
  }
}

TEST(ClipLoader, ThrowsTheErrorOfARequest) {
  const CountingClips source(20);
  int calls = 0;
  ClipLoader loader(source, [&]() -> std::optional<BatchRequest> {
    if (++calls == 2) throw core::ConfigError("no such batch");
    return BatchRequest{.cursor = {}, .samples = {1, 2}};
  });
  EXPECT_TRUE(loader.next());
  EXPECT_THROW(loader.next(), core::ConfigError);
}

TEST(ClipLoader, EndsWhileItsQueueIsFull) {
  const CountingClips source(1000);
  BatchRequests requests({.samples = 1000, .global_batch = 4}, {}, 1000, 0, 1);
  {
    ClipLoader loader(source, [&] { return requests.next(); }, {.threads = 4, .batches_ahead = 2});
    EXPECT_TRUE(loader.next());
    while (source.reads < 12) std::this_thread::yield();
  }
  // One batch taken and two ahead: no thread read beyond the bound, and none reads any more.
  EXPECT_EQ(source.reads, 12);
}

TEST(ClipLoader, CountsHowLongItWaited) {
  const CountingClips source(20);
  BatchRequests requests({.samples = 20, .global_batch = 20}, {}, 1, 0, 1);
  ClipLoader loader(source, [&] { return requests.next(); }, {.threads = 1, .batches_ahead = 1});
  EXPECT_EQ(loader.wait_seconds(), 0);
  EXPECT_TRUE(loader.next());
  EXPECT_GT(loader.wait_seconds(), 0);
}

TEST(ClipLoader, RefusesNoThreads) {
  const CountingClips source(4);
  EXPECT_THROW(ClipLoader(source, [] { return std::nullopt; }, {.threads = 0}), core::ConfigError);
}

TEST(CachedClips, AreOneViewOfEveryVideoInEveryEpoch) {
  const TemporaryDirectory directory;
  const CacheKey key = small_key();
  write_cache(directory / "cache", key, 3);
  const CacheReader cache(directory / "cache");
  const CachedClips train(cache, "train", ViewPolicy::kOnePerEpoch);
  ASSERT_EQ(train.size(), 6);
  EXPECT_EQ(train.views(), 2);
  for (int64_t sample = 0; sample < train.size(); ++sample) {
    const Clip even = train.read(sample, 0), odd = train.read(sample, 1);
    EXPECT_EQ(even.video_id, odd.video_id);
    EXPECT_EQ(even.view + odd.view, 1);
    EXPECT_EQ(even.view, view_of_epoch(even.video_id, 0, 2));
    EXPECT_EQ(train.view(sample, 0), even.view);
    EXPECT_TRUE(torch::equal(even.pixels, make_record(key, even.video_id, "train", even.view).pixels));
    EXPECT_EQ(cache.labels()[even.target], make_record(key, even.video_id, "train", 0).label);
  }
}

TEST(CachedClips, AreRemappedToAnotherLabelMapByName) {
  const TemporaryDirectory directory;
  write_cache(directory / "cache", small_key(), 3);
  const CacheReader cache(directory / "cache");
  std::vector<std::string> names = cache_labels();
  std::rotate(names.begin(), names.begin() + 1, names.end());
  const CachedClips own(cache, "val", ViewPolicy::kEvery), other(cache, "val", ViewPolicy::kEvery, LabelMap(names));
  for (int64_t i = 0; i < own.size(); ++i) {
    const int64_t target = own.read(i, 0).target, remapped = other.read(i, 0).target;
    EXPECT_EQ(names[remapped], cache_labels()[target]);
    EXPECT_NE(remapped, target);
  }
  const LabelMap foreign(std::vector<std::string>{"something else"});
  EXPECT_THAT(message_of<core::DataError>([&] { CachedClips(cache, "val", ViewPolicy::kEvery, foreign); }),
              HasSubstr("is not one of the 1 classes"));
}

TEST(CachedClips, DoNotDependOnHowTheVideosWereSharded) {
  const TemporaryDirectory directory;
  const CacheKey key = small_key();
  write_cache(directory / "three", key, 3);
  core::make_directories(directory / "one");
  std::vector<ClipRecord> records;
  for (const int64_t unit : {2, 0, 1}) {
    for (ClipRecord& record : unit_records(key, unit)) records.push_back(std::move(record));
  }
  const ShardSummary shard = write_shard(directory / "one/shard-00000.h5", key, 0, records);
  write_index(directory / "one", {.key = key, .labels = cache_labels(), .shards = {shard}});
  const CacheReader three(directory / "three"), one(directory / "one");
  const CachedClips a(three, "train", ViewPolicy::kEvery), b(one, "train", ViewPolicy::kEvery);
  ASSERT_EQ(a.size(), 12);
  ASSERT_EQ(b.size(), 12);
  for (int64_t sample = 0; sample < a.size(); ++sample) {
    EXPECT_EQ(a.video(sample).id, b.video(sample).id);
    EXPECT_EQ(a.view(sample, 0), b.view(sample, 0));
    EXPECT_TRUE(torch::equal(a.read(sample, 0).features, b.read(sample, 5).features));
  }
}

TEST(CachedClips, RefuseAnEmptySplitAndAMissingView) {
  const TemporaryDirectory directory;
  const CacheKey key = small_key();
  CacheIndex index = write_cache(directory / "cache", key, 2);
  {
    const CacheReader cache(directory / "cache");
    EXPECT_EQ(CachedClips(cache, "val", ViewPolicy::kEvery).videos(), 2);
    EXPECT_THAT(message_of<core::DataError>([&] { CachedClips(cache, "test", ViewPolicy::kEvery); }),
                HasSubstr("'test'"));
  }
  for (const size_t dropped : {1, 3}) {  // a shard without a first view is none
    std::vector<ClipRecord> records = unit_records(key, 1);
    const std::string video_id = records[dropped].video_id;
    records.erase(records.begin() + static_cast<int64_t>(dropped));
    index.shards[1] = write_shard(directory / "cache/shard-00001.h5", key, 1, records);
    write_index(directory / "cache", index);
    const CacheReader cache(directory / "cache");
    EXPECT_THAT(message_of<core::DataError>([&] { CachedClips(cache, "train", ViewPolicy::kEvery); }),
                HasSubstr(video_id));
  }
}

TEST(CachedClips, FlowThroughTheLoader) {
  const TemporaryDirectory directory;
  const CacheKey key = small_key("bf16");
  write_cache(directory / "cache", key, 3);
  const CacheReader cache(directory / "cache");
  const CachedClips train(cache, "train", ViewPolicy::kOnePerEpoch);
  const std::vector<Batch> batches =
      load(train, {.seed = 1, .samples = train.size(), .global_batch = 4}, {}, 2, {.threads = 2, .batches_ahead = 2});
  ASSERT_EQ(batches.size(), 2u);
  EXPECT_EQ(batches[0].pixels.sizes(), torch::IntArrayRef({4, 4, 3, 16, 16}));
  EXPECT_EQ(features_of(train, batches[0]).sizes(), torch::IntArrayRef({4, 2, 2, 5, 24}));
  EXPECT_TRUE(torch::equal(features_of(train, batches[1])[2], train.read(batches[1].samples[2], 1).features));
}

// Bytes that this process holds in memory.
int64_t resident_bytes() {
  std::ifstream statistics("/proc/self/statm");
  int64_t size = 0, resident = 0;
  statistics >> size >> resident;
  return resident * ::sysconf(_SC_PAGESIZE);
}

TEST(CachedClips, TakeNoMoreMemoryOverTwentyThousandClips) {
  const TemporaryDirectory directory;
  write_cache(directory / "cache", small_key("f16"), 3);
  const CacheReader reader(directory / "cache");
  const CachedClips clips(reader, "train", ViewPolicy::kOnePerEpoch);
  const OrderOptions order{.samples = clips.size(), .global_batch = clips.size()};
  BatchRequests requests(order, {}, 1 << 30, 0, 1);
  ClipLoader loader(clips, [&] { return requests.next(); }, {.threads = 4, .batches_ahead = 3});
  int64_t after_warming = 0;
  for (int64_t read = 0; read < 20'000; read += clips.size()) {
    ASSERT_TRUE(loader.next());
    if (read < 4'000) after_warming = resident_bytes();
  }
  EXPECT_LT(resident_bytes() - after_warming, int64_t{4} << 20);
}

TEST(ClipLoader, EndsInWellUnderASecondWhileItsThreadsRead) {
  const CountingClips source(100'000);
  const OrderOptions order{.samples = 100'000, .global_batch = 64};
  BatchRequests requests(order, {}, 3, 0, 1);
  std::chrono::steady_clock::time_point start;
  {
    ClipLoader loader(source, [&] { return requests.next(); }, {.threads = 8, .batches_ahead = 8});
    loader.next();
    start = std::chrono::steady_clock::now();
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(500));
}

}  // namespace
}  // namespace permafrost::data
