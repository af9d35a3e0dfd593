#include "core/encoder/text_encoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/checkpoint/safetensors.h"
#include "core/encoder/text_weights.h"
#include "tests/core/golden.h"
#include "tests/temporary_directory.h"
#include "tests/tools/text_check.h"

namespace permafrost::core {
namespace {

using nlohmann::json;
using permafrost::testing::golden_path;
using permafrost::testing::kGoldenTolerance;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

TEST(TextEncoder, GivesTransformersEmbeddings) {
  const double error = permafrost::testing::worst_text_error(golden_path("clip_text"));
  std::ostringstream text;
  text << error;
  RecordProperty("worst_error", text.str());
  EXPECT_LT(error, kGoldenTolerance);
}

TEST(TextEncoder, LetsNoGradientIn) {
  TextEncoder encoder(golden_path("clip_text"));
  const torch::Tensor embeddings = encoder.encode(torch::full({2, 5}, 49407, torch::kInt64));
  EXPECT_TRUE(embeddings.is_inference());
  EXPECT_FALSE(embeddings.requires_grad());
}

class TextFolder : public ::testing::Test {
 protected:
  void SetUp() override {
    tensors_ = read_safetensors(golden_path("clip_text/model.safetensors")).tensors;
    config_ = json::parse(read_text(golden_path("clip_text/config.json")));
    std::filesystem::copy_file(golden_path("clip_text/expected.safetensors"), directory_ / "expected.safetensors");
    write();
  }
  void write() {
    write_safetensors(directory_ / "model.safetensors", tensors_);
    publish_text(directory_ / "config.json", config_.dump());
  }
  void load() { TextEncoder encoder(directory_.path()); }
  double error() { return permafrost::testing::worst_text_error(directory_.path()); }

  permafrost::testing::TemporaryDirectory directory_;
  std::map<std::string, torch::Tensor> tensors_;
  json config_;
};

TEST_F(TextFolder, OfAWholeClipIsReadPastItsImageTower) {
  const std::string before = TextEncoder(directory_.path()).sha256();
  tensors_["vision_model.embeddings.class_embedding"] = torch::zeros({4});
  tensors_["visual_projection.weight"] = torch::zeros({4, 4});
  tensors_["logit_scale"] = torch::tensor(4.5F);
  tensors_["text_model.embeddings.position_ids"] = torch::arange(77);
  config_ = {{"model_type", "clip"}, {"projection_dim", 24}, {"text_config", config_}};
  write();
  TextEncoder encoder(directory_.path());
  EXPECT_EQ(encoder.sha256(), before);
  EXPECT_EQ(encoder.logit_scale(), 4.5);
  EXPECT_LT(error(), kGoldenTolerance);
}

TEST_F(TextFolder, WithTheOtherActivationIsFarFromTheReference) {
  config_["hidden_act"] = "gelu";
  write();
  EXPECT_GT(error(), kGoldenTolerance);
}

TEST_F(TextFolder, InShardsIsReadWhole) {
  std::map<std::string, torch::Tensor> first, second;
  json map;
  for (const auto& [name, tensor] : tensors_) {
    const bool is_first = first.size() <= second.size();
    (is_first ? first : second)[name] = tensor;
    map[name] = is_first ? "model-1.safetensors" : "model-2.safetensors";
  }
  std::filesystem::remove(directory_ / "model.safetensors");
  write_safetensors(directory_ / "model-1.safetensors", first);
  write_safetensors(directory_ / "model-2.safetensors", second);
  publish_text(directory_ / "model.safetensors.index.json", json{{"weight_map", map}}.dump());
  EXPECT_LT(error(), kGoldenTolerance);
}

TEST_F(TextFolder, WithTheLegacyEndPoolsAtTheLargestId) {
  config_["eos_token_id"] = 2;
  write();
  EXPECT_EQ(TextEncoder(directory_.path()).config().end_id, -1);
  EXPECT_LT(error(), kGoldenTolerance);  // the end of the text has the largest id
}

TEST_F(TextFolder, PoolsAtTheFirstEnd) {
  TextEncoder encoder(directory_.path());
  const torch::Tensor once = torch::tensor({49406L, 320L, 49407L, 5L, 9L}).unsqueeze(0);
  const torch::Tensor twice = torch::tensor({49406L, 320L, 49407L, 49407L, 7L}).unsqueeze(0);
  EXPECT_TRUE(torch::allclose(encoder.encode(once), encoder.encode(twice)));
}

TEST_F(TextFolder, InOpenAisNamesNeedsNoConfig) {
  const TextWeights weights = read_text_weights(directory_.path());
  for (const char* prefix : {"", "text.", "module.", "module.text."}) {
    std::map<std::string, torch::Tensor> tensors{{"logit_scale", torch::tensor(1.0F)},
                                                 {"visual.proj", torch::ones({2})}};
    for (const auto& [name, tensor] : weights.tensors) tensors[prefix + name] = tensor;
    write_safetensors(directory_ / "openai.safetensors", tensors);
    const TextWeights read = read_text_weights(directory_ / "openai.safetensors");
    EXPECT_EQ(read.tensors.size(), weights.tensors.size()) << prefix;
    EXPECT_EQ(read.config.layers, 2);
    EXPECT_EQ(read.config.embedding, 24);
    EXPECT_EQ(read.config.mlp_width, 128);
  }
}

TEST_F(TextFolder, InOpenAisNamesWithAConfigGivesTheSameEmbeddings) {
  tensors_ = read_text_weights(directory_.path()).tensors;
  write();
  EXPECT_LT(error(), kGoldenTolerance);
}

TEST_F(TextFolder, OfOpenClipTellsItsActivation) {
  tensors_ = read_text_weights(directory_.path()).tensors;
  write();
  std::filesystem::remove(directory_ / "config.json");
  const json text{{"context_length", 77}, {"vocab_size", 49408}, {"width", 32}, {"heads", 2}, {"layers", 2}};
  json model{{"embed_dim", 24}, {"text_cfg", text}};
  publish_text(directory_ / "open_clip_config.json", json{{"model_cfg", model}}.dump());
  EXPECT_EQ(TextEncoder(directory_.path()).config().activation, Activation::kGelu);
  model["quick_gelu"] = true;
  publish_text(directory_ / "open_clip_config.json", json{{"model_cfg", model}}.dump());
  EXPECT_LT(error(), kGoldenTolerance);
}

TEST_F(TextFolder, WithoutALogitScaleStartsWhereClipsTrainingDoes) {
  EXPECT_NEAR(TextEncoder(directory_.path()).logit_scale(), std::log(1 / 0.07), 1e-12);
}

TEST_F(TextFolder, NamesAMissingTensorWithItsShape) {
  tensors_.erase("text_model.encoder.layers.1.self_attn.k_proj.bias");
  write();
  EXPECT_THAT([&] { load(); },
              ThrowsMessage<DataError>(AllOf(HasSubstr("layers.1.self_attn.k_proj.bias"), HasSubstr("[32]"))));
}

TEST_F(TextFolder, NamesAMisshapenTensorWithBothShapes) {
  tensors_["text_projection.weight"] = torch::zeros({24, 33});
  write();
  EXPECT_THAT([&] { load(); }, ThrowsMessage<DataError>(
                                   AllOf(HasSubstr("text_projection"), HasSubstr("[24, 33]"), HasSubstr("[24, 32]"))));
}

TEST_F(TextFolder, NamesATensorThatIsLeftOver) {
  tensors_["text_model.encoder.layers.2.mlp.fc1.bias"] = torch::zeros({128});
  write();
  EXPECT_THAT([&] { load(); }, ThrowsMessage<DataError>(HasSubstr("layers.2.mlp.fc1.bias")));
}

TEST_F(TextFolder, RefusesNaN) {
  tensors_["text_model.final_layer_norm.bias"][3] = std::nan("");
  write();
  EXPECT_THAT([&] { load(); }, ThrowsMessage<DataError>(HasSubstr("ln_final.bias")));
}

TEST_F(TextFolder, RefusesTheConfigOfAnotherModel) {
  config_["model_type"] = "siglip_text_model";
  write();
  EXPECT_THAT([&] { load(); }, ThrowsMessage<DataError>(HasSubstr("siglip_text_model")));
}

TEST_F(TextFolder, RefusesAnIdItDoesNotKnow) {
  TextEncoder encoder(directory_.path());
  EXPECT_THAT(
      [&] {
        encoder.encode(torch::full({1, 3}, 60000, torch::kInt64));
      },
      ThrowsMessage<DataError>(HasSubstr("60000")));
}

}  // namespace
}  // namespace permafrost::core
