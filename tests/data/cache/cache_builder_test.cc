#include "data/cache/cache_builder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "core/encoder/frozen_encoder.h"
#include "data/dataset/scan.h"
#include "tests/data/video/video_files.h"
#include "tests/temporary_directory.h"

namespace permafrost::data {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using namespace permafrost::testing;

CacheKey key_of(const core::FrozenEncoder& encoder) {
  const core::VisionConfig& vision = encoder.config();
  CacheKey key{.encoder_sha256 = encoder.sha256(),
               .image_size = vision.image_size,
               .patch_size = vision.patch_size,
               .width = vision.width,
               .layers_total = vision.layers,
               .selected_layers = {0},
               .frames = 8,
               .alpha = 2,
               .resize = "bilinear"};
  return key;
}

// A folder of three videos of one second, as a scan found them.
class CacheBuilderTest : public ::testing::Test {
 protected:
  CacheBuilderTest() {
    manifest_.root = directory_.path();
    manifest_.labels = LabelMap({"waving"});
    for (const std::string name : {"a", "b", "c"}) {
      make_video(file(name), "-c:v libx264 -pix_fmt yuv420p", "testsrc2=size=96x64:rate=25:duration=1");
      const ListedVideo listed{.id = name, .path = name + ".mp4", .label = "waving", .split = "train"};
      manifest_.entries.push_back(scan_video(directory_.path(), listed));
    }
  }

  std::string file(const std::string& name) const { return directory_ / (name + ".mp4"); }
  CacheBuilder builder(const CacheBuilderOptions& options = {}) {
    const CacheKey key = key_of(encoder_);
    return CacheBuilder(ClipBuilder(encoder_, key), make_codec(key.codec, key.feature_shape()), manifest_.root,
                        directory_.path(), cut_units(usable_entries(manifest_), 32), options);
  }

  TemporaryDirectory directory_;
  Manifest manifest_;
  core::FrozenEncoder encoder_{std::string(PERMAFROST_GOLDEN) + "/clip_vision_quick_gelu"};
};

TEST_F(CacheBuilderTest, RejectsAFileThatIsNotTheOneTheScanSaw) {
  write_bytes(file("b"), read_bytes(file("b")) + "x");
  const ShardSummary outcome = builder().build_unit(0);
  EXPECT_EQ(outcome.records(), 2);
  ASSERT_EQ(outcome.rejected.size(), 1u);
  EXPECT_EQ(outcome.rejected[0].video_id, "b");
  EXPECT_THAT(outcome.rejected[0].reason, HasSubstr("bytes of the scan"));
  EXPECT_FALSE(outcome.rejected[0].entry_crc32c) << "the file may come back";
}

TEST_F(CacheBuilderTest, RemembersWhichFileGaveNothing) {
  manifest_.entries[1].start_seconds = 5;  // of one second
  manifest_.entries[1].end_seconds = 6;
  const ShardSummary outcome = builder().build_unit(0);
  ASSERT_EQ(outcome.rejected.size(), 1u);
  EXPECT_THAT(outcome.rejected[0].reason, HasSubstr("no frame between its start and its end"));
  EXPECT_EQ(outcome.rejected[0].entry_crc32c, entry_checksum(manifest_.entries[1]));
  EXPECT_EQ(builder().build_unit(0), outcome) << "as the shard itself has it";
  EXPECT_FALSE(builder().has_repaired(outcome.rejected));
  EXPECT_FALSE(builder({.retry_rejected = true}).has_repaired(outcome.rejected));

  manifest_.entries[1].end_seconds = 7;
  EXPECT_TRUE(builder().has_repaired(outcome.rejected)) << "it is another part of the file";
  manifest_.entries[1].start_seconds = manifest_.entries[1].end_seconds = std::nullopt;
  EXPECT_EQ(builder().build_unit(0).records(), 3);
}

// Of a good video, it shows whether it is tried.
TEST_F(CacheBuilderTest, TriesAVideoThatItRememberedOnlyWhereAsked) {
  const RejectedVideo known{.video_id = "b", .path = "b.mp4", .entry_crc32c = entry_checksum(manifest_.entries[1])};
  EXPECT_FALSE(builder().has_repaired({known}));
  EXPECT_TRUE(builder({.retry_rejected = true}).has_repaired({known}));
  EXPECT_TRUE(builder().has_repaired({{.video_id = "b", .path = "b.mp4"}}));
}

TEST_F(CacheBuilderTest, TakesARejectedVideoBackOnceItIsRepaired) {
  fs::rename(file("b"), file("elsewhere"));
  const CacheBuilder cache = builder();
  const ShardSummary without = cache.build_unit(0);
  EXPECT_EQ(without.records(), 2);
  ASSERT_EQ(without.rejected.size(), 1u);
  EXPECT_FALSE(cache.has_repaired(without.rejected));
  EXPECT_EQ(cache.build_unit(0).crc32c, without.crc32c) << "the shard is taken as it is";

  fs::rename(file("elsewhere"), file("b"));
  EXPECT_TRUE(cache.has_repaired(without.rejected));
  const ShardSummary repaired = cache.build_unit(0);
  EXPECT_EQ(repaired.records(), 3);
  EXPECT_TRUE(repaired.rejected.empty());
}

TEST_F(CacheBuilderTest, IdentityIsThatOfTheFilesWhereverTheyLie) {
  Manifest other = manifest_;
  other.root = "elsewhere";
  other.entries[1].path = "moved/b.mp4";
  EXPECT_EQ(manifest_identity(other), manifest_identity(manifest_));
  other.entries[1].bytes += 1;
  EXPECT_NE(manifest_identity(other), manifest_identity(manifest_));
  other = manifest_;
  other.entries[2].frames -= 1;
  EXPECT_NE(manifest_identity(other), manifest_identity(manifest_));
}

TEST_F(CacheBuilderTest, ShuffledFramesAreThoseOfTheClipInAnotherOrder) {
  CacheKey key = key_of(encoder_);
  const ClipRecord natural = ClipBuilder(encoder_, key).build_one(manifest_.root, manifest_.entries[0], 0);
  key.frame_order = "shuffled";
  const ClipRecord shuffled = ClipBuilder(encoder_, key).build_one(manifest_.root, manifest_.entries[0], 0);
  EXPECT_TRUE(std::is_sorted(natural.frame_indices.begin(), natural.frame_indices.end()));
  EXPECT_NE(shuffled.frame_indices, natural.frame_indices);
  EXPECT_TRUE(std::is_permutation(shuffled.frame_indices.begin(), shuffled.frame_indices.end(),
                                  natural.frame_indices.begin(), natural.frame_indices.end()));
  for (int64_t to = 0; to < key.frames; ++to) {
    const auto& indices = natural.frame_indices;
    const int64_t from = std::find(indices.begin(), indices.end(), shuffled.frame_indices[to]) - indices.begin();
    EXPECT_TRUE(torch::equal(shuffled.pixels[to], natural.pixels[from])) << to;
  }
}

}  // namespace
}  // namespace permafrost::data
