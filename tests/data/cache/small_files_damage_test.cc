// Whatever is done to the index, the codec's tables or their copies is noticed, and changes nothing that is read.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>

#include "data/cache/cache_builder.h"
#include "data/cache/cache_reader.h"
#include "data/cache/verify_cache.h"
#include "tests/data/cache/make_cache.h"

namespace permafrost::data {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using namespace permafrost::testing;

constexpr int kFlips = 1000, kTruncations = 100;

// A folder of the smallest files that a codec with tables can have, so that a thousand harms take a moment.
class SmallFile : public ::testing::TestWithParam<const char*> {
 protected:
  SmallFile() {
    index_ = write_cache(cache_, small_key("int4"), 1);
    whole_ = core::read_text(path());
    expected_ = std::make_unique<CacheReader>(cache_)->read(0, 0);
  }
  std::string path() const { return cache_ + "/" + GetParam(); }
  bool is_copy() const { return path().find(".copy.") != std::string::npos; }

  // What verify says of it: read_index() throws where it is the index, the list names any other file.
  std::string complaint_of_verify() const {
    std::string text;
    const std::string thrown = message_of<core::Error>([&] {
      for (const CacheProblem& problem : verify_cache(cache_)) text += problem.text;
    });
    return thrown + text;
  }
  // Reads as before, or says which file is wrong: this one, or one that does not go with it.
  void expect_right_or_refused(const std::string& harm, const std::string& named) const {
    ClipRecord found;
    const std::string refusal = message_of<core::Error>([&] { found = CacheReader(cache_).read(0, 0); });
    if (refusal.empty()) {
      EXPECT_TRUE(is_equal(found, expected_)) << harm;
    } else {
      EXPECT_FALSE(is_copy()) << harm << ": a reader has no use for it: " << refusal;
      EXPECT_THAT(refusal, HasSubstr(named)) << harm;
    }
  }
  void expect_noticed(const std::string& harm) const {
    EXPECT_THAT(complaint_of_verify(), HasSubstr(GetParam())) << harm;
    expect_right_or_refused(harm, GetParam());
  }

  TemporaryDirectory directory_;
  std::string cache_ = directory_ / "cache";
  CacheIndex index_;
  std::string whole_;
  ClipRecord expected_;
};

INSTANTIATE_TEST_SUITE_P(OfACache, SmallFile,
                         ::testing::Values("index.json", "index.copy.json", kCodecTablesFile, kCodecTablesCopy),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::replace(name.begin(), name.end(), '.', '_');
                           return name;
                         });

TEST_P(SmallFile, EveryFlippedBitIsNoticed) {
  core::RandomStream random(4, {});
  for (int turn = 0; turn < kFlips; ++turn) {
    const uint64_t at = random.below(whole_.size());
    const auto bits = static_cast<uint8_t>(1u << random.below(8));
    flip(path(), at, bits);
    expect_noticed("byte " + std::to_string(at) + " ^ " + std::to_string(bits));
    flip(path(), at, bits);
  }
  EXPECT_THAT(verify_cache(cache_), IsEmpty());
}

TEST_P(SmallFile, EveryTruncationIsNoticed) {
  core::RandomStream random(5, {});
  for (int turn = 0; turn < kTruncations; ++turn) {
    const uint64_t bytes = turn == 0 ? 0 : turn == 1 ? whole_.size() - 1 : random.below(whole_.size());
    fs::resize_file(path(), bytes);
    expect_noticed("cut to " + std::to_string(bytes) + " bytes");
    core::publish_text(path(), whole_);
  }
  EXPECT_THAT(verify_cache(cache_), IsEmpty());
}

TEST_P(SmallFile, OfAnotherCacheIsNoticed) {
  CacheKey other = small_key("int4");
  other.seed = 99;
  other.width = 40;
  write_cache(directory_ / "other", other, 1);
  core::publish_text(path(), core::read_text(directory_ / "other/" + GetParam()));
  EXPECT_NE(complaint_of_verify(), "");
  expect_right_or_refused("of another cache", cache_ + "/");
}

class BrokenFolder : public ::testing::Test {
 protected:
  BrokenFolder() { write_cache(cache_, small_key(), 2); }
  TemporaryDirectory directory_;
  std::string cache_ = directory_ / "cache";
};

// What verify finds, remove_broken takes away, whatever the file's name.
TEST_F(BrokenFolder, ForeignAndDuplicateShardsAreFoundAndRemoved) {
  write_cache(directory_ / "other", small_key("bf16"), 1);
  fs::copy_file(directory_ / "other/shard-00000.h5", cache_ + "/shard-00005.h5");
  fs::copy_file(directory_ / "other/shard-00000.h5", cache_ + "/foreign.h5");
  fs::copy_file(cache_ + "/shard-00001.h5", cache_ + "/shard-00001 (copy).h5");
  fs::copy_file(cache_ + "/shard-00000.h5", cache_ + "/shard-00001.h5", fs::copy_options::overwrite_existing);
  const std::vector<CacheProblem> problems = verify_cache(cache_);
  EXPECT_THAT(problems, SizeIs(4));
  EXPECT_THAT(problems, ::testing::Each(Field(&CacheProblem::kind, CacheProblemKind::kForeign)));
  remove_broken(cache_, read_index(cache_), problems);
  EXPECT_THAT(names_in(cache_), ElementsAre("index.copy.json", "shard-00000.h5"));
}

// A removal of before stands in the index; the copy may be of before that, or damaged: nothing may be lost in between.
TEST_F(BrokenFolder, AnIndexThatIsTakenAwayIsKeptInTheCopy) {
  const std::string index = core::read_text(cache_ + "/index.json");
  core::publish_text(cache_ + "/index.copy.json", "damaged");
  fs::remove(cache_ + "/shard-00000.h5");
  remove_broken(cache_, read_index(cache_), verify_cache(cache_));
  EXPECT_FALSE(has_index(cache_));
  EXPECT_EQ(core::read_text(cache_ + "/index.copy.json"), index);
}

TEST_F(BrokenFolder, LeftoversOfKilledBuildsAreRemoved) {
  for (const char* name :
       {"shard-00000.h5.partial-here-1", "index.json.partial-here-1", "shard-00009.h5.partial-x-full"}) {
    core::publish_text(directory_ / "text", "x");
    fs::rename(directory_ / "text", fs::path(cache_) / name);
  }
  EXPECT_THAT(verify_cache(cache_), SizeIs(3));
  remove_leftovers(cache_);
  EXPECT_THAT(verify_cache(cache_), IsEmpty());
}

}  // namespace
}  // namespace permafrost::data
