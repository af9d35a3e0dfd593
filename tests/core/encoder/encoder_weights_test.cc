#include "core/encoder/encoder_weights.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <filesystem>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/checkpoint/safetensors.h"
#include "core/encoder/frozen_encoder.h"
#include "tests/core/golden.h"
#include "tests/temporary_directory.h"

namespace permafrost::core {
namespace {

using permafrost::testing::golden_path;
using permafrost::testing::kGoldenTolerance;
using permafrost::testing::relative_error;
using permafrost::testing::TemporaryDirectory;
using Tensors = std::map<std::string, torch::Tensor>;

const char* const kFixture = "clip_vision_quick_gelu";

Tensors tensors_of(const std::string& file) { return read_safetensors(golden_path(kFixture) + "/" + file).tensors; }
std::string identity_of(const std::string& path) { return FrozenEncoder(path).sha256(); }
void copy_config(const TemporaryDirectory& to) {
  std::filesystem::copy_file(golden_path(kFixture) + "/config.json", to / "config.json");
}

TEST(HuggingFaceClip, SurvivesARoundTrip) {
  const TemporaryDirectory directory;
  VisionTransformer encoder = load_encoder(golden_path(kFixture));
  encoder->config.pixels = kImageNetPixels;
  save_encoder(directory.path(), encoder);
  EXPECT_EQ(load_encoder(directory.path())->config.pixels, kImageNetPixels);
  std::filesystem::remove(directory / "preprocessor_config.json");
  EXPECT_EQ(identity_of(directory.path()), identity_of(golden_path(kFixture)));
  const SafetensorsFile ours = read_safetensors(directory / "model.safetensors");
  const Tensors theirs = tensors_of("model.safetensors");
  EXPECT_EQ(ours.tensors.size(), theirs.size());
  for (const auto& [name, tensor] : theirs) EXPECT_TRUE(torch::equal(ours.at(name), tensor)) << name;
}

TEST(HuggingFaceClip, IsReadFromShards) {
  const TemporaryDirectory directory;
  copy_config(directory);
  Tensors shards[2];
  nlohmann::json weight_map;
  for (const auto& [name, tensor] : tensors_of("model.safetensors")) {
    const bool is_second = name.find("layers.2") != std::string::npos;
    shards[is_second][name] = tensor;
    weight_map[name] = is_second ? "model-00002-of-00002.safetensors" : "model-00001-of-00002.safetensors";
  }
  write_safetensors(directory / "model-00001-of-00002.safetensors", shards[0]);
  write_safetensors(directory / "model-00002-of-00002.safetensors", shards[1]);
  publish_text(directory / "model.safetensors.index.json", nlohmann::json{{"weight_map", weight_map}}.dump());
  EXPECT_EQ(identity_of(directory.path()), identity_of(golden_path(kFixture)));
}

TEST(HuggingFaceClip, LeavesTheTextTowerAside) {
  const TemporaryDirectory directory;
  Tensors tensors = tensors_of("model.safetensors");
  tensors["text_model.encoder.layers.0.mlp.fc1.bias"] = torch::zeros({8});
  tensors["text_projection.weight"] = torch::zeros({8, 8});
  tensors["logit_scale"] = torch::zeros({});
  tensors["vision_model.embeddings.position_ids"] = torch::arange(17).unsqueeze(0);
  write_safetensors(directory / "model.safetensors", tensors);
  nlohmann::json vision = nlohmann::json::parse(read_text(golden_path(kFixture) + "/config.json"));
  vision["projection_dim"] = 512;  // that of the whole model holds
  const nlohmann::json whole{{"model_type", "clip"}, {"projection_dim", 32}, {"vision_config", vision}};
  publish_text(directory / "config.json", whole.dump());
  EXPECT_EQ(identity_of(directory.path()), identity_of(golden_path(kFixture)));
}

TEST(OpenAiNames, ABareFileHasItsGeometryFromItsShapes) {
  const TemporaryDirectory directory;
  Tensors tensors = tensors_of("openai_names.safetensors");
  tensors["transformer.resblocks.0.ln_1.bias"] = torch::zeros({8});
  tensors["token_embedding.weight"] = torch::zeros({8, 8});
  tensors["logit_scale"] = torch::zeros({});
  write_safetensors(directory / "ViT.safetensors", tensors);
  const VisionConfig config = load_encoder(directory / "ViT.safetensors")->config;
  EXPECT_EQ(config.image_size, 64);
  EXPECT_EQ(config.patch_size, 16);
  EXPECT_EQ(config.width, 64);
  EXPECT_EQ(config.layers, 4);
  EXPECT_EQ(config.heads, 1);  // of 64
  EXPECT_EQ(config.mlp_width, 256);
  EXPECT_EQ(config.embedding, 32);
  EXPECT_EQ(config.activation, Activation::kQuickGelu);
  EXPECT_EQ(load_encoder(directory.path(), {.activation = Activation::kGelu})->config.activation, Activation::kGelu);
}

TEST(OpenAiNames, AConfigBesideTheFileHolds) {
  EXPECT_EQ(load_encoder(golden_path("clip_vision_gelu/openai_names.safetensors"))->config.activation,
            Activation::kGelu);
  EXPECT_EQ(identity_of(golden_path(kFixture) + "/openai_names.safetensors"), identity_of(golden_path(kFixture)));
}

TEST(OpenClip, IsReadByItsConfig) {
  const TemporaryDirectory directory;
  write_safetensors(directory / "open_clip_model.safetensors", tensors_of("openai_names.safetensors"));
  nlohmann::json config{
      {"model_cfg",
       {{"embed_dim", 32},
        {"quick_gelu", true},
        {"vision_cfg", {{"image_size", 64}, {"patch_size", 16}, {"width", 64}, {"layers", 4}, {"head_width", 32}}}}},
      {"preprocess_cfg",
       {{"mean", {0.48145466, 0.4578275, 0.40821073}}, {"std", {0.26862954, 0.26130258, 0.27577711}}}}};
  publish_text(directory / "open_clip_config.json", config.dump());
  EXPECT_EQ(identity_of(directory.path()), identity_of(golden_path(kFixture)));
  EXPECT_EQ(identity_of(directory / "open_clip_model.safetensors"), identity_of(golden_path(kFixture)));
  config["model_cfg"].erase("quick_gelu");
  publish_text(directory / "open_clip_config.json", config.dump());
  EXPECT_EQ(load_encoder(directory.path())->config.activation, Activation::kGelu);
  config["model_cfg"]["vision_cfg"]["timm_model_name"] = "vit_base_patch16_siglip_224";
  publish_text(directory / "open_clip_config.json", config.dump());
  EXPECT_THROW(load_encoder(directory.path()), DataError);
}

TEST(EncoderWeights, MayBeStoredInHalfPrecision) {
  for (const torch::ScalarType type : {torch::kFloat16, torch::kBFloat16}) {
    const TemporaryDirectory directory;
    copy_config(directory);
    Tensors tensors = tensors_of("model.safetensors");
    for (auto& [name, tensor] : tensors) tensor = tensor.to(type);
    write_safetensors(directory / "model.safetensors", tensors);
    VisionTransformer encoder = load_encoder(directory.path());
    EXPECT_EQ(encoder->proj.scalar_type(), torch::kFloat32);
    EXPECT_TRUE(torch::equal(encoder->proj, tensors["visual_projection.weight"].to(torch::kFloat32).t()));
  }
}

TEST(EncoderWeights, PublishedGeometriesAreTheirModels) {
  const auto parameters = [](const VisionConfig& config) {
    int64_t count = 0;
    for (const torch::Tensor& parameter : VisionTransformer(config)->parameters()) count += parameter.numel();
    return count;
  };
  const VisionConfig large{
      .patch_size = 14, .width = 1024, .layers = 24, .heads = 16, .mlp_width = 4096, .embedding = 768};
  VisionConfig large_336 = large;
  large_336.image_size = 336;
  EXPECT_EQ(parameters({}), 86'192'640);                  // B/16
  EXPECT_EQ(parameters({.patch_size = 32}), 87'849'216);  // B/32
  EXPECT_EQ(parameters(large), 303'966'208);              // L/14
  EXPECT_EQ(parameters(large_336), 304'293'888);          // L/14@336
  EXPECT_EQ(
      parameters({.patch_size = 14, .width = 1280, .layers = 32, .heads = 16, .mlp_width = 5120, .embedding = 1024}),
      632'076'800);  // H/14
}

TEST(EncoderWeights, AnotherImageSizeMustFitThePatch) {
  EXPECT_EQ(load_encoder(golden_path(kFixture), {.image_size = 96})->positional_embedding.size(0), 37);
  EXPECT_THROW(load_encoder(golden_path(kFixture), {.image_size = 100}), ConfigError);
  EXPECT_THROW(load_encoder(golden_path(kFixture), {.image_size = 8}), ConfigError);
}

}  // namespace
}  // namespace permafrost::core
