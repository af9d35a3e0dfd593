#include "data/video/transform.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/checkpoint/safetensors.h"

namespace permafrost::data {
namespace {

// In units of 1/255; the reference is normalised by CLIP's mean and deviation.
double difference(const torch::Tensor& pixels /*[1,3,h,w]*/, const torch::Tensor& normalised /*[3,h,w]*/) {
  const torch::Tensor mean = torch::tensor({.48145466, .4578275, .40821073}, torch::kFloat32).view({3, 1, 1});
  const torch::Tensor deviation = torch::tensor({.26862954, .26130258, .27577711}, torch::kFloat32).view({3, 1, 1});
  const torch::Tensor expected = (normalised * deviation + mean) * 255;
  return (pixels[0].to(torch::kFloat32) - expected).abs().max().item<double>();
}

double difference_of_bytes(const torch::Tensor& found, const torch::Tensor& expected) {
  return (found.to(torch::kFloat32) - expected.to(torch::kFloat32)).abs().max().item<double>();
}

core::SafetensorsFile official() {
  return core::read_safetensors(std::string(PERMAFROST_GOLDEN) + "/preprocess_official/preprocess.safetensors");
}

torch::Tensor image(const core::SafetensorsFile& file, const std::string& name) {
  return file.at(name + ".u8").permute({2, 0, 1}).unsqueeze(0);  // [1,3,H,W]
}

using Slice = torch::indexing::Slice;

torch::Tensor every(const torch::Tensor& pixels, int64_t step) {
  return pixels.index({Slice(), Slice(), Slice(0, torch::indexing::None, step), Slice(0, torch::indexing::None, step)});
}

TEST(ResizeAndCrop, MakesTheTestFramesOfTheReleasedModels) {
  const core::SafetensorsFile golden = official();
  for (const std::string name : {"img0", "img1", "img2"}) {
    EXPECT_LE(difference(resize_and_crop(image(golden, name), {}), golden.at(name + ".dist_test_out")), 0.51) << name;
  }
}

TEST(ResizeAndCrop, TakesTheThreeCropsOfTheReleasedModels) {
  const core::SafetensorsFile golden = official();
  const torch::Tensor frame = image(golden, "img0");
  int crop = 0;
  for (const CropPosition position : {CropPosition::kLeftTop, CropPosition::kCentre, CropPosition::kRightBottom}) {
    const torch::Tensor expected = golden.at("img0.dist_crop3_" + std::to_string(crop++) + "[:,::8,::8]");
    EXPECT_LE(difference(every(resize_and_crop(frame, {}, position), 8), expected), 0.51) << crop;
  }
}

TEST(ResizeAndCrop, MakesClipsOwnPixels) {
  const TransformOptions clip{.size = 224, .resize = ResizeMode::kBicubicAntialias};
  const core::SafetensorsFile golden = official();
  for (const std::string name : {"img0", "img1", "img2"}) {
    const torch::Tensor expected = golden.at(name + ".clip_resize_crop_u8").permute({2, 0, 1});
    EXPECT_LE(difference_of_bytes(resize_and_crop(image(golden, name), clip)[0], expected), 2) << name;
  }
  EXPECT_LE(difference(resize_and_crop(image(golden, "img0"), clip), golden.at("img0.clip_pil_out")), 2);
  const core::SafetensorsFile pillow =
      core::read_safetensors(std::string(PERMAFROST_GOLDEN) + "/preprocess.safetensors");
  for (const std::string number : {"0", "1"}) {
    const torch::Tensor found = resize_and_crop(pillow.at("image." + number).unsqueeze(0), clip)[0];
    EXPECT_LE(difference_of_bytes(found, pillow.at("resized_cropped." + number)), 2) << number;
  }
}

// CLIP's transform of float frames keeps what bicubic overshoots, bytes end at 0 and 255: no nearer than Pillow comes.
TEST(ResizeAndCrop, IsAsFarFromClipsFloatFramesAsPillowIs) {
  const TransformOptions clip{.size = 224, .resize = ResizeMode::kBicubicAntialias};
  const core::SafetensorsFile golden = official();
  const torch::Tensor mean = torch::tensor({.48145466, .4578275, .40821073}, torch::kFloat32).view({3, 1, 1});
  const torch::Tensor deviation = torch::tensor({.26862954, .26130258, .27577711}, torch::kFloat32).view({3, 1, 1});
  for (const std::string name : {"img0", "img1", "img2"}) {
    const torch::Tensor exact = (golden.at(name + ".clip_float_tensor_out") * deviation + mean) * 255;
    const torch::Tensor pillow = golden.at(name + ".clip_resize_crop_u8").permute({2, 0, 1}).to(torch::kFloat32);
    const torch::Tensor found = resize_and_crop(image(golden, name), clip)[0].to(torch::kFloat32);
    EXPECT_LE(((found - exact).abs() - (pillow - exact).abs()).max().item<double>(), 2) << name;
  }
}

TEST(CropAndResize, MakesTheTrainingFramesOfTheReleasedModels) {
  const core::SafetensorsFile golden = official();
  const torch::Tensor expected = golden.at("img0.dist_train_hflip_rrc_i21_j40_h173_w260[:,::4,::4]");
  const CropBox box{.top = 21, .left = 40, .height = 173, .width = 260};
  const torch::Tensor mirrored = image(golden, "img0").flip(3);
  EXPECT_LE(difference(every(crop_and_resize(mirrored, box, {}), 4), expected), 0.51);
}

TEST(ResizeAndCrop, KeepsAFrameThatHasTheSize) {
  const torch::Tensor frames = torch::randint(0, 256, {3, 3, 32, 32}, torch::kUInt8);
  EXPECT_TRUE(torch::equal(resize_and_crop(frames, {.size = 32}), frames));
}

TEST(ResizeAndCrop, TreatsEveryFrameAlike) {
  const torch::Tensor frames = torch::randint(0, 256, {4, 3, 50, 71}, torch::kUInt8);
  const torch::Tensor together = resize_and_crop(frames, {.size = 32});
  for (int64_t f = 0; f < 4; ++f) {
    EXPECT_TRUE(torch::equal(together.narrow(0, f, 1), resize_and_crop(frames.narrow(0, f, 1), {.size = 32})));
  }
}

TEST(ResizeAndCrop, RefusesWhatAreNoFrames) {
  EXPECT_THROW(resize_and_crop(torch::zeros({2, 3, 8, 8}), {}), core::ConfigError);
  EXPECT_THROW(resize_and_crop(torch::zeros({3, 8, 8}, torch::kUInt8), {}), core::ConfigError);
  EXPECT_THROW(resize_and_crop(torch::zeros({2, 4, 8, 8}, torch::kUInt8), {}), core::ConfigError);
  EXPECT_THROW(resize_and_crop(torch::zeros({2, 3, 8, 8}, torch::kUInt8), {.size = 0}), core::ConfigError);
  EXPECT_THROW(crop_and_resize(torch::zeros({2, 3, 8, 8}, torch::kUInt8), {0, 1, 8, 8}, {}), core::ConfigError);
  EXPECT_THROW(crop_and_resize(torch::zeros({2, 3, 8, 8}, torch::kUInt8), {-1, 0, 8, 8}, {}), core::ConfigError);
}

TEST(SampleCropBox, GivesTorchvisionsBoxesOfTheSameDraws) {
  std::ifstream file(std::string(PERMAFROST_GOLDEN) + "/crop_boxes.json");
  const nlohmann::json golden = nlohmann::json::parse(file);
  EXPECT_GE(golden.size(), 200u);
  for (const nlohmann::json& test : golden) {
    const CropBox box =
        sample_crop_box(test.at("height"), test.at("width"), core::RandomStream(test.at("seed").get<uint64_t>(), {}));
    EXPECT_EQ((std::vector<int64_t>{box.top, box.left, box.height, box.width}),
              test.at("top_left_height_width").get<std::vector<int64_t>>())
        << test;
  }
}

TEST(SampleCropBox, StaysWithinTheFrameAndTheRange) {
  double smallest = 1;
  double largest = 0;
  for (uint64_t seed = 0; seed < 2000; ++seed) {
    const CropBox box = sample_crop_box(240, 320, core::RandomStream(seed, {}));
    ASSERT_GE(box.top, 0);
    ASSERT_GE(box.left, 0);
    ASSERT_LE(box.top + box.height, 240);
    ASSERT_LE(box.left + box.width, 320);
    const double share = static_cast<double>(box.height * box.width) / (240 * 320);
    const double ratio = static_cast<double>(box.width) / static_cast<double>(box.height);
    EXPECT_GT(ratio, 0.73);
    EXPECT_LT(ratio, 1.36);
    smallest = std::min(smallest, share);
    largest = std::max(largest, share);
  }
  EXPECT_NEAR(smallest, 0.4, 0.02);
  EXPECT_GT(largest, 0.9);
}

TEST(SampleCropBox, CentresTheLargestBoxWhereNoneFits) {
  const CropBox box = sample_crop_box(10, 1000, core::RandomStream(1, {}));
  EXPECT_EQ(box.height, 10);
  EXPECT_EQ(box.width, 13);
  EXPECT_EQ(box.left, 493);
}

// LibTorch's own, of the whole frame and then cut.
TEST(ResizeAndCrop, IsBilinearWhereverItLooks) {
  for (const auto& [height, width] :
       std::vector<std::pair<int64_t, int64_t>>{{90, 61}, {33, 50}, {48, 48}, {700, 300}}) {
    const torch::Tensor frames = torch::randint(0, 256, {3, 3, height, width}, torch::kUInt8);
    const ResizedCrop crop = place_crop(height, width, {.size = 48}, CropPosition::kRightBottom);
    const torch::Tensor whole =
        torch::upsample_bilinear2d(frames.to(torch::kFloat32), {crop.height, crop.width}, false);
    const torch::Tensor expected = whole.narrow(2, crop.top, 48).narrow(3, crop.left, 48);
    EXPECT_LE(difference_of_bytes(resize_and_crop(frames, {.size = 48}, CropPosition::kRightBottom), expected), 0.501);
    const CropBox box{5, 7, 21, 30};
    const torch::Tensor cut = frames.narrow(2, 5, 21).narrow(3, 7, 30).to(torch::kFloat32);
    EXPECT_LE(difference_of_bytes(crop_and_resize(frames, box, {.size = 48}),
                                  torch::upsample_bilinear2d(cut, {48, 48}, false)),
              0.501);
  }
}

}  // namespace
}  // namespace permafrost::data
