#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <filesystem>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/checkpoint/safetensors.h"
#include "core/encoder/frozen_encoder.h"
#include "core/encoder/vision_transformer.h"
#include "tests/core/golden.h"
#include "tests/temporary_directory.h"

namespace permafrost::core {
namespace {

using permafrost::testing::golden_path;
using permafrost::testing::kGoldenTolerance;
using permafrost::testing::relative_error;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

const char* const kFixture = "clip_vision_quick_gelu";

TEST(HuggingFaceClip, EveryHiddenStateAndTheEmbeddingAreTransformers) {
  VisionTransformer encoder = load_encoder(golden_path(kFixture));
  const SafetensorsFile expected = read_safetensors(golden_path(std::string(kFixture) + "/expected.safetensors"));
  const torch::NoGradGuard no_grad;
  const std::vector<torch::Tensor> layers = encoder->forward(expected.at("input.pixel_values"));
  for (size_t i = 0; i < layers.size(); ++i) {
    EXPECT_LT(relative_error(layers[i], expected.at("hidden_states." + std::to_string(i + 1))), kGoldenTolerance);
  }
  EXPECT_LT(relative_error(encoder->embed(layers.back()), expected.at("output.image_embeds")), kGoldenTolerance);
}

TEST(HuggingFaceClip, SurvivesARoundTrip) {
  const permafrost::testing::TemporaryDirectory directory;
  VisionTransformer encoder = load_encoder(golden_path(kFixture));
  save_encoder(directory.path(), encoder);
  EXPECT_EQ(FrozenEncoder(directory.path()).sha256(), FrozenEncoder(golden_path(kFixture)).sha256());
  const SafetensorsFile ours = read_safetensors(directory / "model.safetensors");
  const SafetensorsFile theirs = read_safetensors(golden_path(std::string(kFixture) + "/model.safetensors"));
  EXPECT_EQ(ours.tensors.size(), theirs.tensors.size());
  for (const auto& [name, tensor] : theirs.tensors) EXPECT_TRUE(torch::equal(ours.at(name), tensor)) << name;
}

TEST(FrozenEncoder, LetsNoGradientIn) {
  FrozenEncoder encoder(golden_path(kFixture));
  const int64_t size = encoder.config().image_size;
  const torch::Tensor features = encoder.encode(torch::zeros({2, 3, size, size}, torch::kUInt8));
  EXPECT_FALSE(features.requires_grad());
  EXPECT_FALSE(features.grad_fn());
  EXPECT_TRUE(features.is_inference());
  EXPECT_EQ(features.sizes(), (std::vector<int64_t>{4, 2, 17, 64}));
}

class BrokenEncoder : public ::testing::Test {
 protected:
  void SetUp() override {
    VisionTransformer encoder = load_encoder(golden_path(kFixture));
    save_encoder(directory_.path(), encoder);
    tensors_ = read_safetensors(directory_ / "model.safetensors").tensors;
  }
  void rewrite() { write_safetensors(directory_ / "model.safetensors", tensors_); }

  permafrost::testing::TemporaryDirectory directory_;
  std::map<std::string, torch::Tensor> tensors_;
};

TEST_F(BrokenEncoder, NamesAMissingTensor) {
  tensors_.erase("vision_model.encoder.layers.2.mlp.fc1.bias");
  rewrite();
  EXPECT_THAT([&] { load_encoder(directory_.path()); },
              ThrowsMessage<DataError>(HasSubstr("vision_model.encoder.layers.2.mlp.fc1.bias")));
}

TEST_F(BrokenEncoder, NamesAMisshapenTensorWithBothShapes) {
  tensors_["visual_projection.weight"] = torch::zeros({32, 65});
  rewrite();
  EXPECT_THAT([&] { load_encoder(directory_.path()); },
              ThrowsMessage<DataError>(AllOf(HasSubstr("'proj'"), HasSubstr("[65, 32]"), HasSubstr("[64, 32]"))));
}

TEST_F(BrokenEncoder, RefusesNaN) {
  tensors_["vision_model.post_layernorm.bias"][3] = std::nan("");
  rewrite();
  EXPECT_THAT([&] { load_encoder(directory_.path()); }, ThrowsMessage<DataError>(HasSubstr("ln_post.bias")));
}

TEST_F(BrokenEncoder, NamesAConfigFieldThatIsMissing) {
  publish_text(directory_ / "config.json", R"({"hidden_size": 64})");
  EXPECT_THAT([&] { load_encoder(directory_.path()); }, ThrowsMessage<DataError>(HasSubstr("image_size")));
}

}  // namespace
}  // namespace permafrost::core
