#include "data/video/colour.h"

#include <gtest/gtest.h>

#include <set>

#include "core/base/error.h"
#include "core/checkpoint/safetensors.h"

namespace permafrost::data {
namespace {

constexpr int64_t kCases = 10;

core::SafetensorsFile golden() {
  return core::read_safetensors(std::string(PERMAFROST_GOLDEN) + "/colour.safetensors");
}

double difference(const torch::Tensor& bytes, const torch::Tensor& expected) {
  return (bytes.to(torch::kFloat32) - expected).abs().max().item<double>();
}

TEST(ToGrayscale, WeighsTheColoursAndRoundsOnce) {
  const core::SafetensorsFile file = golden();
  const torch::Tensor grey = to_grayscale(file.at("frames"));
  ASSERT_EQ(grey.sizes(), file.at("frames").sizes());
  EXPECT_LE(difference(grey, file.at("grey").expand({-1, 3, -1, -1})), 0.501);
}

TEST(JitterColours, DoesWhatTorchvisionDoesAndRoundsOnce) {
  const core::SafetensorsFile file = golden();
  for (int64_t number = 0; number < kCases; ++number) {
    const std::string prefix = "case." + std::to_string(number) + ".";
    const torch::Tensor factors = file.at(prefix + "factors"), order = file.at(prefix + "order");
    ColourJitter jitter{factors[0].item<float>(), factors[1].item<float>(), factors[2].item<float>(),
                        factors[3].item<float>()};
    for (int64_t step = 0; step < 4; ++step) jitter.order[static_cast<size_t>(step)] = order[step].item<uint8_t>();
    EXPECT_TRUE(jitter.is_on());
    EXPECT_LE(difference(jitter_colours(file.at("frames"), jitter), file.at(prefix + "pixels") * 255), 0.502) << number;
  }
}

TEST(JitterColours, LeavesFramesAloneWhereItIsOff) {
  const torch::Tensor frames = golden().at("frames");
  EXPECT_FALSE(ColourJitter().is_on());
  EXPECT_TRUE(torch::equal(jitter_colours(frames, {}), frames));
}

TEST(DrawColourJitter, StaysWithinItsRangesInEveryOrder) {
  std::set<std::array<uint8_t, 4>> orders;
  for (uint64_t seed = 0; seed < 500; ++seed) {
    const ColourJitter jitter = draw_colour_jitter(core::RandomStream(seed, {}));
    EXPECT_EQ(jitter, draw_colour_jitter(core::RandomStream(seed, {})));
    EXPECT_NEAR(jitter.brightness, 1, 0.4);
    EXPECT_NEAR(jitter.contrast, 1, 0.4);
    EXPECT_NEAR(jitter.saturation, 1, 0.2);
    EXPECT_NEAR(jitter.hue, 0, 0.1);
    orders.insert(jitter.order);
  }
  EXPECT_EQ(orders.size(), 24u);
}

TEST(Colour, RefusesWhatAreNoFrames) {
  EXPECT_THROW(to_grayscale(torch::zeros({2, 3, 8, 8})), core::ConfigError);
  EXPECT_THROW(jitter_colours(torch::zeros({2, 4, 8, 8}, torch::kUInt8), {}), core::ConfigError);
  EXPECT_THROW(to_grayscale({}), core::ConfigError);
}

}  // namespace
}  // namespace permafrost::data
