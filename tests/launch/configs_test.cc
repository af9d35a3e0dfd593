// Every config of the published table builds the network it is named after.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "core/base/options.h"
#include "core/dist/cost.h"
#include "core/dist/dist_net.h"
#include "core/encoder/architectures.h"
#include "launch/geometry.h"
#include "launch/settings.h"

namespace permafrost::launch {
namespace {

namespace fs = std::filesystem;

Settings read(const std::string& path) {
  Settings settings;
  core::OptionTable table = make_option_table(settings);
  table.read_config(path);
  for (const std::string& fault : faults_of(settings)) table.complain(fault);
  table.finish();
  return settings;
}

std::vector<std::string> published() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(PERMAFROST_CONFIGS)) {
    const std::string name = entry.path().filename().string();
    if (entry.path().extension() == ".ini" && name != "demo.ini") names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

// Millions of parameters by encoder, frames of the temporal encoder and pooling layers (MODEL.md, counted).
const std::map<std::string, double> kMillions{
    {"vit_b16 16 4", 26.105}, {"vit_b16 16 2", 19.001}, {"vit_l14 64 4", 39.868}, {"vit_l14 64 2", 32.745}};

class PublishedConfig : public ::testing::TestWithParam<std::string> {
 protected:
  Settings settings_ = read(std::string(PERMAFROST_CONFIGS) + "/" + GetParam());
  core::VisionConfig vision_ = core::architecture_named(settings_.model.encoder);
  core::DistConfig network_ = make_dist_config(settings_, vision_);
};

TEST_P(PublishedConfig, IsNamedAfterItsGeometry) {
  const std::string geometry = settings_.model.encoder + "_" + std::to_string(network_.spatial_frames()) + "+" +
                               std::to_string(network_.frames) + "f.ini";
  EXPECT_TRUE(GetParam().ends_with(geometry)) << geometry;
  EXPECT_EQ(network_.patch_size, vision_.patch_size);
  EXPECT_EQ(network_.pooling_layers, GetParam().starts_with("ssv2") ? 2 : 4);
}

TEST_P(PublishedConfig, HasThePublishedParameters) {
  const int64_t count = core::parameter_count(network_);
  const auto known = kMillions.find(settings_.model.encoder + " " + std::to_string(network_.frames) + " " +
                                    std::to_string(network_.pooling_layers));
  if (known != kMillions.end()) EXPECT_NEAR(static_cast<double>(count) / 1e6, known->second, 5e-4);
  // Frames only add a class token and a position each to every layer that has them.
  const double per_frame = static_cast<double>(network_.integration_dim * (network_.layers + network_.pooling_layers));
  core::DistConfig eight = network_;
  eight.frames = 16;
  EXPECT_EQ(count - core::parameter_count(eight),
            static_cast<int64_t>(per_frame) * (network_.spatial_frames() - eight.spatial_frames()));
}

TEST_P(PublishedConfig, BuildsANetworkOfItsShape) {
  core::DistConfig small = network_;  // the same geometry in time, small in space and width
  small.image_size = 2 * small.patch_size, small.width = 32, small.layers = 2, small.integration_dim = 64;
  small.temporal_dim = 8;
  core::DistNet net(small);
  core::initialise(*net, 1);
  const torch::NoGradGuard no_grad;
  const torch::Tensor z = net->forward(torch::zeros({1, small.frames, 3, small.image_size, small.image_size}),
                                       torch::zeros({2, 1, small.spatial_frames(), small.tokens(), 32}));
  EXPECT_EQ(z.sizes(), (std::vector<int64_t>{1, settings_.model.embedding}));
}

TEST_P(PublishedConfig, StandsInTheTableWithItsNumbers) {
  std::ifstream file(std::string(PERMAFROST_CONFIGS) + "/README.md");
  const std::string cost = describe_cost(settings_);
  std::string row;
  while (std::getline(file, row) && row.find("`" + GetParam() + "`") == std::string::npos) {
  }
  ASSERT_FALSE(row.empty()) << "no row for " << GetParam();
  std::istringstream words(cost);
  std::string hash, network, parameters, unit, rest, one, view, giga;
  words >> hash >> network >> parameters >> unit >> rest >> one >> view >> giga;
  EXPECT_NE(row.find("| " + parameters + " |"), std::string::npos) << row << "\n" << cost;
  EXPECT_NE(row.find("| " + giga + " |"), std::string::npos) << row << "\n" << cost;
}

INSTANTIATE_TEST_SUITE_P(All, PublishedConfig, ::testing::ValuesIn(published()), [](const auto& info) {
  std::string name = info.param;
  for (char& letter : name) letter = std::isalnum(static_cast<unsigned char>(letter)) ? letter : '_';
  return name;
});

TEST(PublishedConfigs, CoverThePublishedTable) { EXPECT_EQ(published().size(), 13u); }

}  // namespace
}  // namespace permafrost::launch
