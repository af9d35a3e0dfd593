// What is refused: each time one line that names the file and the tensor or field, with both shapes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <filesystem>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/checkpoint/safetensors.h"
#include "core/encoder/encoder_weights.h"
#include "tests/core/golden.h"
#include "tests/temporary_directory.h"

namespace permafrost::core {
namespace {

using permafrost::testing::golden_path;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::ThrowsMessage;

class BrokenEncoder : public ::testing::Test {
 protected:
  void SetUp() override { begin("clip_vision_quick_gelu", "model.safetensors"); }

  void begin(const std::string& fixture, const std::string& weights) {
    weights_ = directory_ / weights;
    tensors_ = read_safetensors(golden_path(fixture) + "/" + weights).tensors;
    config_ = nlohmann::json::parse(read_text(golden_path(fixture) + "/config.json"));
  }
  template <class... Parts>
  void expect_refusal(Parts... parts) {
    write_safetensors(weights_, tensors_);
    publish_text(directory_ / "config.json", config_.dump());
    EXPECT_THAT(
        [&] { load_encoder(weights_); },
        ThrowsMessage<DataError>(AllOf(HasSubstr(directory_.path()), Not(HasSubstr("\n")), HasSubstr(parts)...)));
  }

  permafrost::testing::TemporaryDirectory directory_;
  std::string weights_;
  std::map<std::string, torch::Tensor> tensors_;
  nlohmann::json config_;
};

TEST_F(BrokenEncoder, NamesAMissingTensorWithItsShape) {
  tensors_.erase("vision_model.encoder.layers.2.mlp.fc1.bias");
  expect_refusal("'vision_model.encoder.layers.2.mlp.fc1.bias' of shape [256]", "found none");
}

TEST_F(BrokenEncoder, NamesAMisshapenTensorWithBothShapes) {
  tensors_["visual_projection.weight"] = torch::zeros({32, 65});
  expect_refusal("'visual_projection.weight'", "[32, 65]", "expected [32, 64]");
}

TEST_F(BrokenEncoder, NamesATensorTooMany) {
  tensors_["vision_model.encoder.layers.4.mlp.fc1.bias"] = torch::zeros({256});
  expect_refusal("'vision_model.encoder.layers.4.mlp.fc1.bias' of shape [256] has no place");
}

TEST_F(BrokenEncoder, RefusesNaN) {
  tensors_["vision_model.post_layernorm.bias"][3] = std::nan("");
  expect_refusal("'vision_model.post_layernorm.bias' holds NaN");
}

TEST_F(BrokenEncoder, RefusesIntegers) {
  tensors_["vision_model.post_layernorm.bias"] = torch::zeros({64}, torch::kInt64);
  expect_refusal("'vision_model.post_layernorm.bias'", "integers");
}

TEST_F(BrokenEncoder, RefusesAnotherPatchSize) {
  config_["patch_size"] = 8;
  expect_refusal("'vision_model.embeddings.patch_embedding.weight'", "[64, 3, 16, 16]", "expected [64, 3, 8, 8]");
}

TEST_F(BrokenEncoder, RefusesAnotherImageSize) {
  config_["image_size"] = 96;
  expect_refusal("'vision_model.embeddings.position_embedding.weight'", "[17, 64]", "expected [37, 64]");
}

TEST_F(BrokenEncoder, RefusesAConfigOfAnotherModel) {
  config_["model_type"] = "bert";
  expect_refusal("model_type is 'bert'", "dinov2");
  config_["model_type"] = "dinov2";
  expect_refusal("'vision_model.embeddings.patch_embedding.bias' of shape [64]", "found none");
  begin("encoder_vit", "model.safetensors");
  config_ = nlohmann::json::parse(read_text(golden_path("encoder_dinov2") + "/config.json"));
  expect_refusal("config and weights belong to different models");
}

TEST_F(BrokenEncoder, RefusesAnUnknownActivation) {
  config_["hidden_act"] = "relu";
  expect_refusal("the activation is 'relu'");
}

TEST_F(BrokenEncoder, NamesAConfigFieldThatIsMissingOrOfTheWrongKind) {
  config_["hidden_size"] = "wide";
  expect_refusal("'hidden_size'", "\"wide\"");
  config_ = {{"hidden_size", 64}};
  expect_refusal("image_size");
}

TEST_F(BrokenEncoder, RefusesWeightsWithoutAnImageEncoder) {
  tensors_ = {{"text_model.encoder.layers.0.mlp.fc1.bias", torch::zeros({8})}};
  expect_refusal("no image encoder");
}

TEST_F(BrokenEncoder, IsRefusedUnderOpenAiNamesToo) {
  begin("clip_vision_gelu", "openai_names.safetensors");
  tensors_["visual.extra"] = torch::zeros({2});
  expect_refusal("'visual.extra' of shape [2] has no place");
  tensors_.erase("visual.extra");
  tensors_["visual.conv1.weight"] = torch::zeros({48, 3, 4, 4});
  expect_refusal("'visual.conv1.weight'", "[48, 3, 4, 4]", "expected [48, 3, 8, 8]");
}

TEST_F(BrokenEncoder, IsRefusedInEveryFamily) {
  begin("encoder_dinov2_with_registers", "model.safetensors");
  tensors_["embeddings.register_tokens"] = torch::zeros({1, 4, 32});
  expect_refusal("'embeddings.register_tokens'", "[1, 4, 32]", "expected [1, 3, 32]");
  begin("encoder_siglip2", "model.safetensors");
  tensors_["embeddings.patch_embedding.weight"] = torch::zeros({32, 190});
  expect_refusal("'embeddings.patch_embedding.weight'", "[32, 190]", "expected [32, 192]");
  begin("encoder_vit", "model.safetensors");
  tensors_.erase("layernorm.weight");
  expect_refusal("'layernorm.weight' of shape [32]");
}

TEST_F(BrokenEncoder, NamesAShardThatLacksItsTensor) {
  write_safetensors(directory_ / "model-1.safetensors", {{"a", torch::zeros({1})}});
  publish_text(directory_ / "model.safetensors.index.json", R"({"weight_map": {"b": "model-1.safetensors"}})");
  EXPECT_THAT([&] { load_encoder(directory_.path()); },
              ThrowsMessage<DataError>(AllOf(HasSubstr("model-1.safetensors"), HasSubstr("'b'"))));
  publish_text(directory_ / "model.safetensors.index.json", R"({"weight_map": {"b": "../model-1.safetensors"}})");
  EXPECT_THAT([&] { load_encoder(directory_.path()); }, ThrowsMessage<DataError>(HasSubstr("no plain file name")));
}

TEST_F(BrokenEncoder, AFolderWithoutOneSaysWhatIsExpected) {
  EXPECT_THAT([&] { load_encoder(directory_.path()); },
              ThrowsMessage<DataError>(HasSubstr("expected model.safetensors")));
  EXPECT_THROW(load_encoder(directory_ / "nowhere"), IoError);
}

}  // namespace
}  // namespace permafrost::core
