#include "data/video/augment.h"

#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/checkpoint/safetensors.h"

namespace permafrost::data {
namespace {

core::RandomStream stream(uint64_t seed) { return core::RandomStream(seed, {1, 2}); }

TEST(Augment, MirrorsThenCropsAsTheReleasedCode) {
  const core::SafetensorsFile golden =
      core::read_safetensors(std::string(PERMAFROST_GOLDEN) + "/preprocess_official/preprocess.safetensors");
  const torch::Tensor frames = golden.at("img0.u8").permute({2, 0, 1}).unsqueeze(0);  // [1,3,H,W]
  const Augmentation drawn{.is_flipped = true, .crop = {.top = 21, .left = 40, .height = 173, .width = 260}};
  const torch::Tensor found = augment(frames, drawn, {})[0].slice(1, 0, std::nullopt, 4).slice(2, 0, std::nullopt, 4);
  const torch::Tensor mean = torch::tensor({.48145466, .4578275, .40821073}, torch::kFloat32).view({3, 1, 1});
  const torch::Tensor deviation = torch::tensor({.26862954, .26130258, .27577711}, torch::kFloat32).view({3, 1, 1});
  const torch::Tensor expected =
      (golden.at("img0.dist_train_hflip_rrc_i21_j40_h173_w260[:,::4,::4]") * deviation + mean) * 255;
  EXPECT_LE((found.to(torch::kFloat32) - expected).abs().max().item<double>(), 0.51);
}

TEST(Augment, TreatsEveryFrameAlike) {
  const torch::Tensor frame = torch::randint(0, 256, {1, 3, 40, 60}, torch::kUInt8);
  AugmentOptions options{.flip = 0.5, .grayscale = 0.5, .jitter = 0.5};
  for (uint64_t seed = 0; seed < 16; ++seed) {
    const Augmentation drawn = draw_augmentation(options, 40, 60, stream(seed));
    const torch::Tensor pixels = augment(frame.repeat({3, 1, 1, 1}), drawn, {.size = 32});
    ASSERT_EQ(pixels.sizes(), (std::vector<int64_t>{3, 3, 32, 32}));
    EXPECT_TRUE(torch::equal(pixels[0], pixels[2]));
    if (drawn.is_grayscale && !drawn.jitter.is_on()) EXPECT_TRUE(torch::equal(pixels[0][0], pixels[0][2]));
  }
}

TEST(Augment, MakesGreyBeforeItJitters) {
  const torch::Tensor frames = torch::randint(0, 256, {1, 3, 32, 32}, torch::kUInt8);
  const ColourJitter jitter{
      .brightness = 1.3f, .contrast = 0.8f, .saturation = 0.9f, .hue = 0.05f, .order = {1, 0, 3, 2}};
  const Augmentation drawn{.is_grayscale = true, .jitter = jitter, .crop = {0, 0, 32, 32}};
  EXPECT_TRUE(torch::equal(augment(frames, drawn, {.size = 32}), jitter_colours(to_grayscale(frames), jitter)));
}

TEST(DrawAugmentation, KeepsTheProbabilities) {
  int flipped = 0, grey = 0, jittered = 0;
  constexpr int kDraws = 4000;
  for (uint64_t seed = 0; seed < kDraws; ++seed) {
    const Augmentation drawn = draw_augmentation({.jitter = 0.8}, 240, 320, stream(seed));
    flipped += drawn.is_flipped ? 1 : 0;
    grey += drawn.is_grayscale ? 1 : 0;
    jittered += drawn.jitter.is_on() ? 1 : 0;
  }
  EXPECT_NEAR(flipped, 0.5 * kDraws, 4 * 32);  // four standard deviations
  EXPECT_NEAR(grey, 0.2 * kDraws, 4 * 26);
  EXPECT_NEAR(jittered, 0.8 * kDraws, 4 * 26);
}

TEST(DrawAugmentation, OfOnePartLeavesTheOthersAlone) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    const Augmentation all = draw_augmentation({.flip = 1, .grayscale = 1, .jitter = 1}, 240, 320, stream(seed));
    const Augmentation none = draw_augmentation({.flip = 0, .grayscale = 0, .jitter = 0}, 240, 320, stream(seed));
    EXPECT_TRUE(all.is_flipped && all.is_grayscale && all.jitter.is_on());
    EXPECT_FALSE(none.is_flipped || none.is_grayscale || none.jitter.is_on());
    EXPECT_EQ(all.crop.top, none.crop.top);
    EXPECT_EQ(all.crop.width, none.crop.width);
  }
}

}  // namespace
}  // namespace permafrost::data
