#include "core/checkpoint/official.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/checkpoint/safetensors.h"
#include "core/checkpoint/state.h"
#include "core/dist/dist_net.h"
#include "core/dist/geometry.h"
#include "tests/core/golden.h"
#include "tests/temporary_directory.h"

namespace permafrost::core {
namespace {

using permafrost::testing::golden_path;
using permafrost::testing::TemporaryDirectory;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;
using Tensors = std::map<std::string, torch::Tensor>;

// The DiST weights of a fixture under other names.
Tensors renamed(const std::string& prefix) {
  Tensors tensors;
  for (const auto& [name, tensor] : read_safetensors(golden_path("dist_alpha4.safetensors")).tensors) {
    if (name.starts_with("dist_net.")) tensors[prefix + name.substr(9)] = tensor;
  }
  return tensors;
}

class OfficialNames : public ::testing::TestWithParam<std::string> {};

TEST_P(OfficialNames, AreUnderstood) {
  const TemporaryDirectory directory;
  Tensors tensors = renamed(GetParam());
  const size_t expected = tensors.size();
  tensors["model_state.visual.proj"] = torch::ones({2});
  write_safetensors(directory / "released.safetensors", tensors);
  const OfficialWeights weights = read_official(directory / "released.safetensors");
  EXPECT_EQ(weights.dist_net.size(), expected);
  EXPECT_EQ(weights.left_over, std::vector<std::string>{"model_state.visual.proj"});
  DistNet net(geometry_of(weights.dist_net, 32, weights.path));
  load_state(*net, weights.dist_net, weights.path);
}

INSTANTIATE_TEST_SUITE_P(Prefixes, OfficialNames,
                         ::testing::Values("dist_net.", "ladder_net.", "model_state.dist_net.", "module.ladder_net.",
                                           "model_state.module.ladder_net.", "module.model.dist_net."));

TEST(OfficialWeights, SurviveARoundTripUnderTheReleasedNames) {
  const TemporaryDirectory directory;
  const Tensors released = renamed("dist_net.");
  write_official(directory / "a.safetensors", renamed(""));
  const SafetensorsFile written = read_safetensors(directory / "a.safetensors");
  ASSERT_EQ(written.tensors.size(), released.size());
  for (const auto& [name, tensor] : released) EXPECT_TRUE(torch::equal(written.at(name), tensor)) << name;
}

TEST(OfficialWeights, RefuseFilesWithoutDistAndTensorsTwice) {
  const TemporaryDirectory directory;
  write_safetensors(directory / "clip.safetensors", {{"visual.proj", torch::ones({2})}});
  EXPECT_THAT([&] { read_official(directory / "clip.safetensors"); },
              ThrowsMessage<DataError>(HasSubstr("expected tensors named dist_net.*")));
  write_safetensors(directory / "two.safetensors",
                    {{"dist_net.proj", torch::ones({2})}, {"module.ladder_net.proj", torch::ones({2})}});
  EXPECT_THAT([&] { read_official(directory / "two.safetensors"); },
              ThrowsMessage<DataError>(HasSubstr("found a second, 'module.ladder_net.proj'")));
}

TEST(Geometry, IsReadFromTheWeights) {
  const DistConfig config = geometry_of(renamed(""), 32, "fixture");
  EXPECT_EQ(config.frames, 8);
  EXPECT_EQ(config.alpha, 4);
  EXPECT_EQ(config.patch_size, 8);
  EXPECT_EQ(config.layers, 2);
  EXPECT_EQ(config.width, 48);
  EXPECT_EQ(config.embedding, 24);
  EXPECT_EQ(config.integration_dim, 64);
  EXPECT_EQ(config.temporal_dim, 16);
  EXPECT_EQ(config.pooling_layers, 1);
  EXPECT_EQ(config.integration_temporal_mlp_ratio, 0.25);
}

TEST(Geometry, GivesEveryHiddenWidthBack) {
  for (const int64_t width : {64, 88, 104, 384, 448, 704}) {
    for (int64_t hidden = 1; hidden <= 2 * width; ++hidden) {
      DistConfig config;
      config.temporal_dim = width;
      config.temporal_mlp_ratio = static_cast<double>(hidden) / static_cast<double>(width);
      ASSERT_EQ(config.temporal_hidden(), hidden) << width;
    }
  }
}

TEST(Geometry, NamesWhatIsMissing) {
  Tensors tensors = renamed("");
  tensors.erase("temporal_stem.weight");
  EXPECT_THAT([&] { geometry_of(tensors, 32, "fixture"); },
              ThrowsMessage<DataError>(AllOf(HasSubstr("fixture"), HasSubstr("temporal_stem.weight"))));
}

}  // namespace
}  // namespace permafrost::core
