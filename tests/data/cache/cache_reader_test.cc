#include "data/cache/cache_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "core/base/checksum.h"
#include "data/cache/verify_cache.h"
#include "tests/data/cache/make_cache.h"

namespace permafrost::data {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using namespace permafrost::testing;

class CacheFolder : public ::testing::Test {
 protected:
  CacheFolder() { write_cache(path_, key_, 3); }

  std::string refusal() const {
    return message_of<core::DataError>([&] { read_all(); });
  }
  void read_all() const {
    const CacheReader cache(path_);
    for (int64_t i = 0; i < cache.size(); ++i) {
      for (int64_t view = 0; view < cache.videos()[i].views; ++view) cache.read(i, view);
    }
  }
  std::vector<CacheProblemKind> problems() const {
    std::vector<CacheProblemKind> kinds;
    for (const CacheProblem& problem : verify_cache(path_)) kinds.push_back(problem.kind);
    return kinds;
  }

  TemporaryDirectory directory_;
  std::string path_ = directory_ / "cache";
  CacheKey key_ = small_key();
};

using CacheReaderTest = CacheFolder;
using CacheIndexTest = CacheFolder;
using VerifyCache = CacheFolder;

TEST_F(CacheReaderTest, ReadsEveryRecordOfEveryShard) {
  const CacheReader cache(path_);
  ASSERT_EQ(cache.size(), 9);
  EXPECT_EQ(cache.labels(), cache_labels());
  EXPECT_EQ(cache.key(), key_);
  const auto codec = make_codec(key_.codec, key_.feature_shape());
  int64_t records = 0;
  for (int64_t i = 0; i < cache.size(); ++i) {
    const IndexedVideo& video = cache.videos()[i];
    EXPECT_EQ(video.shard, i / 3);
    for (int64_t view = 0; view < video.views; ++view, ++records) {
      ClipRecord expected = make_record(key_, video.id, video.split, view);
      expected.features = codec->decode(codec->encode(expected.features, "v"));
      EXPECT_TRUE(is_equal(cache.read(i, view), expected));
      EXPECT_EQ(cache.labels()[video.label], expected.label);
      std::vector<uint8_t> pixels(expected.pixels.numel()), coded(codec->bytes_per_record());
      EXPECT_EQ(cache.read_into(i, view, pixels.data(), coded.data()), expected.flipped);
      EXPECT_EQ(std::memcmp(pixels.data(), expected.pixels.const_data_ptr(), pixels.size()), 0);
      EXPECT_TRUE(torch::equal(codec->decode(coded), expected.features));
    }
  }
  EXPECT_EQ(records, 15);
}

TEST_F(CacheReaderTest, WithoutAnIndexIsIncomplete) {
  fs::remove(path_ + "/index.json");
  EXPECT_FALSE(has_index(path_));
  EXPECT_THAT(refusal(), HasSubstr("incomplete: run cache build again"));
}

TEST_F(CacheReaderTest, SaysWhereThereIsNoFolderAtAll) {
  path_ = directory_ / "absent";
  EXPECT_THAT(refusal(), HasSubstr(path_ + ": expected the folder of a cache, found none"));
}

TEST_F(CacheReaderTest, RefusesAMissingShard) {
  fs::remove(path_ + "/shard-00001.h5");
  EXPECT_THAT(
      message_of<core::IoError>([&] { CacheReader cache(path_); }),
      HasSubstr(
          "shard-00001.h5: expected the shard that the index names, found none: run permafrost cache verify --repair"));
}

TEST_F(CacheReaderTest, RefusesAShardOfAnotherUnitOrCache) {
  fs::copy_file(path_ + "/shard-00000.h5", path_ + "/shard-00001.h5", fs::copy_options::overwrite_existing);
  EXPECT_THAT(refusal(), HasSubstr("unit 0, the index says 1"));
  write_shard(path_ + "/shard-00001.h5", key_, 1, unit_records(key_, 2));
  EXPECT_THAT(refusal(), HasSubstr("the index says view 0 of video-10"));
  CacheKey other = key_;
  other.encoder_sha256 = "f6";
  write_shard(path_ + "/shard-00001.h5", other, 1, unit_records(other, 1));
  EXPECT_THAT(refusal(), HasSubstr("encoder_sha256: expected \"e5\", found \"f6\""));
}

TEST_F(CacheReaderTest, BelievesTheIndexAboutLabels) {
  CacheIndex index = read_index(path_);
  index.labels = {"juggling"};
  for (ShardSummary& shard : index.shards) {
    for (ShardVideo& video : shard.videos) video.label = "juggling";
  }
  write_index(path_, index);
  EXPECT_EQ(refusal(), "");
  EXPECT_EQ(CacheReader(path_).videos()[4].label, 0);
}

TEST_F(CacheIndexTest, ComesBackAsWritten) {
  CacheIndex index = read_index(path_);
  index.shards[1].rejected = {{.video_id = "a", .path = "x/\xff.mp4", .reason = "a \"quoted\" reason"}};
  index.removed = {"gone"};
  write_index(path_, index);
  const CacheIndex again = read_index(path_);
  EXPECT_EQ(again.key, index.key);
  EXPECT_EQ(again.labels, index.labels);
  EXPECT_EQ(again.removed, index.removed);
  EXPECT_EQ(again.shards[0], index.shards[0]);
  EXPECT_EQ(again.shards[1].videos, index.shards[1].videos);
  ASSERT_THAT(again.rejected(), SizeIs(1));
  EXPECT_EQ(again.rejected()[0].reason, index.shards[1].rejected[0].reason);
  EXPECT_EQ(again.records(), 15);
}

TEST_F(CacheIndexTest, KnowsWhichOfItsShardsAreGoneOrCut) {
  const CacheIndex index = read_index(path_);
  EXPECT_THAT(missing_shards(path_, index), SizeIs(0));
  fs::remove(path_ + "/shard-00000.h5");
  fs::resize_file(path_ + "/shard-00002.h5", 100);
  const std::vector<std::string> missing = missing_shards(path_, index);
  ASSERT_THAT(missing, SizeIs(2));
  EXPECT_THAT(missing[0], HasSubstr("shard-00000.h5: No such file"));
  EXPECT_THAT(missing[1], HasSubstr("shard-00002.h5: 100 bytes, expected"));
  remove_index(path_);
  EXPECT_FALSE(has_index(path_));
  EXPECT_NO_THROW(remove_index(path_));
}

TEST_F(CacheIndexTest, NoFlippedBitChangesWhatItSays) {
  const std::string path = path_ + "/index.json";
  const std::string whole = core::read_text(path);
  const CacheIndex expected = read_index(path_);
  int64_t noticed = 0;
  core::RandomStream random(2, {});
  for (uint64_t at = 0; at < whole.size(); ++at) {
    const auto bits = static_cast<uint8_t>(1u << random.below(8));
    flip(path, at, bits);
    CacheIndex found = expected;
    const std::string message = message_of<core::DataError>([&] { found = read_index(path_); });
    noticed += !message.empty();
    EXPECT_TRUE(found.key == expected.key && found.labels == expected.labels && found.shards == expected.shards);
    flip(path, at, bits);
  }
  EXPECT_GT(noticed, static_cast<int64_t>(whole.size()) / 2);
}

TEST_F(CacheIndexTest, RefusesHostileContentsEvenWithARightHash) {
  const nlohmann::json whole = nlohmann::json::parse(core::read_text(path_ + "/index.json"));
  const auto complaint = [&](const std::function<void(nlohmann::json&)>& spoil) {
    nlohmann::json object = whole;
    spoil(object);
    object.erase("sha256");
    object["sha256"] = core::sha256_hex(object.dump());
    core::publish_text(path_ + "/index.json", object.dump());
    return message_of<core::DataError>([&] { read_index(path_); });
  };
  EXPECT_EQ(complaint([](nlohmann::json&) {}), "");
  EXPECT_THAT(complaint([](nlohmann::json& o) { o["shards"][0]["file"] = "../../etc/passwd"; }),
              HasSubstr("another name"));
  EXPECT_THAT(complaint([](nlohmann::json& o) { o["shards"][0]["bytes"] = -1; }), HasSubstr("'bytes'"));
  EXPECT_THAT(complaint([](nlohmann::json& o) { o["shards"][1] = o["shards"][0]; }), HasSubstr("twice"));
  EXPECT_NE(complaint([](nlohmann::json& o) { o["labels"][0] = o["labels"][1]; }), "");
  EXPECT_THAT(complaint([](nlohmann::json& o) { o["shards"][0]["videos"][0][1] = 3; }), HasSubstr("beyond its range"));
  EXPECT_THAT(complaint([](nlohmann::json& o) { o["shards"][0]["videos"][0][3] = -1; }), HasSubstr("a video is no"));
  EXPECT_THAT(complaint([](nlohmann::json& o) {
                o["codec_tables"] = {{"bytes", 1}, {"crc32c", 1}};
              }),
              HasSubstr("codec_tables"));
  EXPECT_THAT(complaint([](nlohmann::json& o) { o["totals"]["records"] = 99; }), HasSubstr("totals"));
  EXPECT_THAT(complaint([](nlohmann::json& o) { o["format_version"] = 1; }), HasSubstr("version 1, expected 4"));
  EXPECT_NE(complaint([](nlohmann::json& o) { o["more"] = 1; }), "");
  EXPECT_NE(complaint([](nlohmann::json& o) { o.erase("removed"); }), "");
  EXPECT_NE(complaint([](nlohmann::json& o) { o["shards"][0]["rejected"] = {{{"video_id", 1}}}; }), "");
  for (const nlohmann::json& checksum : {nlohmann::json(-1), nlohmann::json(1.5), nlohmann::json(uint64_t{1} << 32)}) {
    EXPECT_NE(complaint([&](nlohmann::json& o) {
                o["shards"][0]["rejected"] = {
                    {{"video_id", "a"}, {"path", "b"}, {"reason", "c"}, {"entry_crc32c", checksum}}};
                o["totals"]["rejected"] = 1;
              }),
              "")
        << checksum;
  }
  EXPECT_NE(complaint([](nlohmann::json& o) { o = nlohmann::json{{"format", "permafrost cache index"}}; }), "");
}

TEST_F(VerifyCache, FindsNothingInAWholeCache) { EXPECT_THAT(problems(), SizeIs(0)); }

TEST_F(VerifyCache, FindsAFlippedBitWhereverItIs) {
  const std::string shard = path_ + "/shard-00002.h5";
  const uint64_t bytes = core::file_bytes(shard);
  core::RandomStream random(3, {});
  for (int turn = 0; turn < 1000; ++turn) {
    const uint64_t at = random.below(bytes);
    flip(shard, at, 16);
    EXPECT_THAT(verify_cache(path_), SizeIs(1)) << at;
    flip(shard, at, 16);
  }
  EXPECT_THAT(problems(), SizeIs(0));
}

TEST_F(VerifyCache, TellsMissingTruncatedDamagedForeignAndLeftoverApart) {
  fs::remove(path_ + "/shard-00000.h5");
  fs::resize_file(path_ + "/shard-00001.h5", 3000);
  flip(path_ + "/shard-00002.h5", core::file_bytes(path_ + "/shard-00002.h5") / 2, 1);
  core::publish_text(path_ + "/shard-00009.h5", "x");
  core::publish_text(path_ + "/shard-00004.h5.partial-here-1", "x");
  using K = CacheProblemKind;
  EXPECT_THAT(problems(), ::testing::ElementsAre(K::kMissing, K::kTruncated, K::kDamaged, K::kLeftover, K::kForeign));
  EXPECT_THAT(verify_cache(path_)[1].text, HasSubstr("3000 bytes, expected"));
}

TEST_F(VerifyCache, KnowsAForeignShardFromADamagedOne) {
  const std::string path = path_ + "/shard-00001.h5";
  fs::copy_file(path_ + "/shard-00002.h5", path, fs::copy_options::overwrite_existing);
  EXPECT_THAT(problems(), ::testing::ElementsAre(CacheProblemKind::kForeign));
  CacheKey other = key_;
  other.seed = 99;
  write_shard(path, other, 1, unit_records(other, 1));
  EXPECT_THAT(problems(), ::testing::ElementsAre(CacheProblemKind::kForeign));
}

}  // namespace
}  // namespace permafrost::data
