#include "data/cache/clip_builder.h"

#include <gtest/gtest.h>

#include <set>

#include "data/video/decoder.h"
#include "tests/data/video/video_files.h"
#include "tests/temporary_directory.h"

namespace permafrost::data {
namespace {

using testing::make_video;
using testing::TemporaryDirectory;

constexpr char kLeft[] = "Pushing something from right to left", kRight[] = "Pushing something from left to right";

class ClipBuilding : public ::testing::Test {
 protected:
  ClipBuilding() : encoder_(std::string(PERMAFROST_GOLDEN) + "/clip_vision_quick_gelu") {
    make_video(directory_ / "a.mp4", "-c:v libx264 -preset veryfast -pix_fmt yuv420p");  // 96x64, 50 frames
    entry_.id = "a";
    entry_.path = "a.mp4";
    entry_.label = kRight;
    entry_.split = "train";
    const core::VisionConfig& vision = encoder_.config();
    key_ = {.encoder_sha256 = encoder_.sha256(),
            .image_size = vision.image_size,
            .patch_size = vision.patch_size,
            .width = vision.width,
            .layers_total = vision.layers,
            .selected_layers = {0, vision.layers - 1},
            .frames = 4,
            .alpha = 2,
            .resize = "bilinear"};
  }

  std::vector<ClipRecord> build(const std::string& split = "train") {
    entry_.split = split;
    return ClipBuilder(encoder_, key_).build(directory_.path(), entry_);
  }
  torch::Tensor decoded(const ClipRecord& record) {
    return VideoReader(directory_ / "a.mp4").read(record.frame_indices).pixels;
  }

  TemporaryDirectory directory_;
  core::FrozenEncoder encoder_;
  CacheKey key_;
  ManifestEntry entry_;
};

// What a record says was done to the frames of the file.
torch::Tensor made_as(const ClipRecord& record, const torch::Tensor& frames) {
  const Augmentation said{.is_grayscale = record.grayscale,
                          .jitter = record.jitter,
                          .is_flipped = record.flipped,
                          .crop = {static_cast<int64_t>(record.crop.top), static_cast<int64_t>(record.crop.left),
                                   static_cast<int64_t>(record.crop.height), static_cast<int64_t>(record.crop.width)}};
  return augment(frames, said, {.size = record.pixels.size(2)});
}

TEST_F(ClipBuilding, GivesEachTrainingViewItsOwnAugmentationAndSaysWhich) {
  key_.train_views = 10;
  key_.augment = "paper";
  key_.augmentation.grayscale = key_.augmentation.jitter = 0.5;
  const std::vector<ClipRecord> records = build(), again = build();
  std::set<float> lefts;
  int flipped = 0, grey = 0, jittered = 0;
  for (size_t view = 0; view < records.size(); ++view) {
    const ClipRecord& record = records[view];
    EXPECT_TRUE(torch::equal(record.pixels, made_as(record, decoded(record)))) << view;
    EXPECT_EQ(record.label, record.flipped ? kLeft : kRight);
    EXPECT_TRUE(torch::equal(record.pixels, again[view].pixels));
    EXPECT_EQ(record.crop, again[view].crop);
    lefts.insert(record.crop.left + 100 * record.crop.width);
    flipped += record.flipped ? 1 : 0;
    grey += record.grayscale ? 1 : 0;
    jittered += record.jitter.is_on() ? 1 : 0;
  }
  EXPECT_GE(lefts.size(), 9u);
  EXPECT_TRUE(flipped > 0 && flipped < 10 && grey > 0 && grey < 10 && jittered > 0 && jittered < 10);
}

TEST_F(ClipBuilding, LeavesEvaluationAndPlainTrainingAlone) {
  key_.augment = "paper";
  const ClipRecord paper = build("val").front();
  key_.augment = "none";
  const ClipRecord plain = build("val").front();
  EXPECT_TRUE(torch::equal(paper.pixels, plain.pixels));
  EXPECT_EQ(plain.crop, (Crop{.left = 16, .top = 0, .width = 64, .height = 64}));
  const ClipRecord train = build("train").front();
  EXPECT_TRUE(torch::equal(train.pixels, resize_and_crop(decoded(train), {.size = 64})));
  EXPECT_FALSE(train.flipped || train.grayscale || train.jitter.is_on());
}

TEST_F(ClipBuilding, TakesThreeSquaresOfEachEvaluatedView) {
  key_.eval_views = 2;
  key_.eval_crops = 3;
  EXPECT_EQ(views_of(key_, "val"), 6);
  EXPECT_EQ(views_of(key_, "train"), 1);
  const std::vector<ClipRecord> records = build("val");
  ASSERT_EQ(records.size(), 6u);
  const CropPosition positions[] = {CropPosition::kLeftTop, CropPosition::kCentre, CropPosition::kRightBottom};
  const float lefts[] = {0, 16, 32};
  for (size_t view = 0; view < 6; ++view) {
    EXPECT_EQ(records[view].view, static_cast<int64_t>(view));
    EXPECT_EQ(records[view].frame_indices, records[view / 3 * 3].frame_indices);
    EXPECT_EQ(records[view].crop.left, lefts[view % 3]);
    EXPECT_TRUE(
        torch::equal(records[view].pixels, resize_and_crop(decoded(records[view]), {.size = 64}, positions[view % 3])));
  }
  EXPECT_NE(records[0].frame_indices, records[3].frame_indices);
}

}  // namespace
}  // namespace permafrost::data
