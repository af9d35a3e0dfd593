#include "data/video/sampling.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "core/base/error.h"

namespace permafrost::data {
namespace {

TEST(SampleView, AgreesWithTheReleasedCode) {
  std::ifstream file(std::string(PERMAFROST_GOLDEN) + "/preprocess_official/sampling.json");
  const nlohmann::json golden = nlohmann::json::parse(file);
  int compared = 0;
  for (const nlohmann::json& test : golden.at("segment_test")) {
    const int64_t views = test.at("num_clips");
    const int64_t view = std::max<int64_t>(test.at("clip_idx").get<int64_t>(), 0);
    if (views > 1 && test.at("clip_idx") < 0) continue;  // not a view
    EXPECT_EQ(sample_view(test.at("vid_length"), test.at("num_frames"), view, views),
              test.at("index").get<std::vector<int64_t>>())
        << test;
    ++compared;
  }
  EXPECT_GE(compared, 200);
}

TEST(SampleTraining, TakesOneFrameOfEachSegment) {
  for (const int64_t count : {1, 5, 16, 17, 250, 301}) {
    for (uint64_t seed = 0; seed < 50; ++seed) {
      const std::vector<int64_t> indices = sample_training(count, 16, core::RandomStream(seed, {1}));
      ASSERT_EQ(indices.size(), 16u);
      EXPECT_TRUE(std::is_sorted(indices.begin(), indices.end()));
      for (int64_t k = 0; k < 16; ++k) {
        EXPECT_GE(indices[static_cast<size_t>(k)], std::floor(static_cast<double>(k * count) / 16));
        EXPECT_LE(
            indices[static_cast<size_t>(k)],
            std::min<double>(std::ceil(static_cast<double>((k + 1) * count) / 16), static_cast<double>(count - 1)));
      }
    }
  }
}

TEST(SampleTraining, ReachesEveryFrameAndRepeatsItself) {
  std::vector<int> hits(64);
  for (uint64_t seed = 0; seed < 400; ++seed) {
    const auto indices = sample_training(64, 8, core::RandomStream(seed, {}));
    EXPECT_EQ(indices, sample_training(64, 8, core::RandomStream(seed, {})));
    for (const int64_t index : indices) ++hits[static_cast<size_t>(index)];
  }
  EXPECT_GT(*std::min_element(hits.begin(), hits.end()), 0);
}

TEST(Sampling, RefusesWhatMakesNoSense) {
  EXPECT_THROW(sample_training(0, 8, core::RandomStream(0, {})), core::ConfigError);
  EXPECT_THROW(sample_training(8, 0, core::RandomStream(0, {})), core::ConfigError);
  EXPECT_THROW(sample_view(8, 8, 3, 3), core::ConfigError);
  EXPECT_THROW(sample_view(8, 8, -1, 3), core::ConfigError);
  EXPECT_THROW(sample_view(8, 8, 0, 0), core::ConfigError);
}

}  // namespace
}  // namespace permafrost::data
