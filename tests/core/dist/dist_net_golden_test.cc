// DistNet and the frozen encoder against the reference implementation's own numbers (tests/golden/README.md).
#include <gtest/gtest.h>
#include <torch/types.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/checkpoint/safetensors.h"
#include "core/checkpoint/state.h"
#include "core/dist/classifier.h"
#include "core/encoder/vision_transformer.h"
#include "core/recipe/optimizer.h"
#include "core/recipe/schedule.h"
#include "tests/core/golden.h"

namespace permafrost::core {
namespace {

using permafrost::testing::kGoldenTolerance;
using permafrost::testing::relative_error;

std::map<std::string, torch::Tensor> with_prefix(const SafetensorsFile& file, const std::string& prefix) {
  std::map<std::string, torch::Tensor> tensors;
  for (const auto& [name, tensor] : file.tensors) {
    if (name.starts_with(prefix)) tensors[name.substr(prefix.size())] = tensor;
  }
  return tensors;
}

class DistGolden : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    file_ = read_safetensors(permafrost::testing::golden_path(GetParam()));
    meta_ = nlohmann::json::parse(file_.metadata.at("config"));
    layers_ = meta_["selected_layers"].get<std::vector<int64_t>>();
    net_ = DistNet(dist_config());
    load_state(*net_, with_prefix(file_, "dist_net."), GetParam());
  }

  DistConfig dist_config() const {
    DistConfig config;
    config.frames = meta_["frames"];
    config.alpha = meta_["alpha"];
    config.image_size = meta_["image"];
    config.patch_size = meta_["patch"];
    config.layers = static_cast<int64_t>(layers_.size());
    config.width = meta_["vit_width"];
    config.embedding = meta_["embed_dim"];
    config.integration_dim = meta_["integration_dim"];
    config.temporal_dim = meta_["temporal_dim"];
    config.pooling_layers = meta_["ada_pooling_layers"];
    config.temporal_patch = meta_["temporal_patch"];
    config.temporal_kernel = meta_["temporal_kernel"];
    config.temporal_mlp_ratio = meta_["temporal_mlp_ratio"];
    config.integration_mlp_ratio = meta_["integration_mlp_ratio"];
    config.integration_temporal_mlp_ratio = meta_["integration_temporal_mlp_ratio"];
    return config;
  }

  // The selected layers, [N, B, t, L, C] from the fixture's [L, B*t, C].
  torch::Tensor features() const {
    std::vector<torch::Tensor> chosen;
    for (const int64_t layer : layers_) {
      chosen.push_back(file_.at("feature." + std::to_string(layer)).transpose(0, 1).unflatten(0, {clips(), -1}));
    }
    return torch::stack(chosen);
  }

  // Ours to the reference's layout: [B, t, L, d] -> [L, B*t, d], [B, F, g, g, c] -> [B, c, F, g, g], [B, 1, d] ->
  // [1, B, d].
  static torch::Tensor to_reference_layout(const torch::Tensor& x) {
    if (x.dim() == 5) return x.permute({0, 4, 1, 2, 3});
    if (x.dim() == 4) return x.flatten(0, 1).transpose(0, 1);
    return x.transpose(0, 1);
  }

  torch::Tensor loss(const torch::Tensor& embedding) const {
    const torch::Tensor logits =
        text_cosine_logits(embedding, file_.at("input.text_features"), file_.at("input.logit_scale"));
    return torch::cross_entropy_loss(logits, file_.at("input.target"), {}, at::Reduction::Mean, -100, 0.1);
  }

  // Elements whose gradient is the remainder of a cancellation: below 1e-7 of the tensor's largest, its sign is chance,
  // and Adam's first step is the sign times the rate. One of the stem's 92,160 elements is such.
  torch::Tensor is_rounding_noise(const std::string& name) const {
    const std::string key = "grad.dist_net." + name;
    if (!file_.has(key)) return torch::zeros_like(file_.at("dist_net." + name), torch::kBool);
    const torch::Tensor gradient = file_.at(key).abs();
    return (gradient > 0).logical_and(gradient < 1e-7 * gradient.max());
  }

  int64_t clips() const { return meta_["batch"]; }
  torch::Tensor pixels() const { return normalise_pixels(file_.at("input.video")); }

  SafetensorsFile file_;
  nlohmann::json meta_;
  std::vector<int64_t> layers_;
  DistNet net_{nullptr};
};

TEST_P(DistGolden, FrozenEncoderReturnsEveryLayer) {
  VisionConfig config;
  config.image_size = meta_["image"];
  config.patch_size = meta_["patch"];
  config.width = meta_["vit_width"];
  config.layers = meta_["vit_layers"];
  config.heads = meta_["vit_heads"];
  config.mlp_width = 4 * config.width;
  config.embedding = meta_["embed_dim"];
  VisionTransformer encoder(config);
  load_state(*encoder, with_prefix(file_, "visual."), GetParam());
  const torch::NoGradGuard no_grad;
  const torch::Tensor frames = pixels().slice(1, 0, std::nullopt, meta_["alpha"].get<int64_t>()).flatten(0, 1);
  const std::vector<torch::Tensor> layers = encoder->forward(frames);
  for (size_t i = 0; i < layers.size(); ++i) {
    const torch::Tensor expected = file_.at("feature." + std::to_string(i));
    EXPECT_LT(relative_error(layers[i].transpose(0, 1), expected), kGoldenTolerance) << "layer " << i;
  }
  EXPECT_LT(relative_error(encoder->embed(layers.back()), file_.at("output.clip_frame_embedding")), kGoldenTolerance);
}

TEST_P(DistGolden, EverySubNetworkHasTheReferencesOutput) {
  int64_t seen = 0;
  net_->observe = [&](const std::string& name, const torch::Tensor& output) {
    EXPECT_LT(relative_error(to_reference_layout(output), file_.at("act." + name)), kGoldenTolerance) << name;
    ++seen;
  };
  const torch::NoGradGuard no_grad;
  net_->forward(pixels(), features());
  EXPECT_EQ(seen, static_cast<int64_t>(with_prefix(file_, "act.").size()));
}

TEST_P(DistGolden, EmbeddingAndLogitsAndLossAreTheReferences) {
  const torch::NoGradGuard no_grad;
  const torch::Tensor embedding = net_->forward(pixels(), features());
  EXPECT_LT(relative_error(embedding, file_.at("output.embedding")), kGoldenTolerance);
  const torch::Tensor logits =
      text_cosine_logits(embedding, file_.at("input.text_features"), file_.at("input.logit_scale"));
  EXPECT_LT(relative_error(logits, file_.at("output.logits")), kGoldenTolerance);
  EXPECT_LT(relative_error(loss(embedding), file_.at("output.loss")), kGoldenTolerance);
}

// The key third of an attention's in_proj_bias has no true gradient: its stored values are rounding noise.
void expect_gradient(const std::string& name, const torch::Tensor& found, const torch::Tensor& expected) {
  if (!name.ends_with("in_proj_bias")) {
    EXPECT_LT(relative_error(found, expected), kGoldenTolerance) << name;
    return;
  }
  const auto theirs = expected.chunk(3), ours = found.chunk(3);
  EXPECT_LT(relative_error(ours[0], theirs[0]), kGoldenTolerance) << name << ", query";
  EXPECT_LT((ours[1] - theirs[1]).abs().max().item<double>(), 1e-5) << name << ", key";
  EXPECT_LT(relative_error(ours[2], theirs[2]), kGoldenTolerance) << name << ", value";
}

TEST_P(DistGolden, EveryGradientIsTheReferences) {
  loss(net_->forward(pixels(), features())).backward();
  std::vector<std::string> without_gradient;
  for (const auto& item : net_->named_parameters()) {
    if (item.value().grad().defined()) {
      expect_gradient(item.key(), item.value().grad(), file_.at("grad.dist_net." + item.key()));
    } else {
      without_gradient.push_back("grad.dist_net." + item.key());
    }
  }
  EXPECT_EQ(without_gradient, meta_["no_grad"].get<std::vector<std::string>>());
}

TEST_P(DistGolden, OneStepOfTheRecipeGivesTheReferencesWeights) {
  const auto parameters = trainable_parameters(*net_, net_->config.layers);
  AdamW optimizer(parameters, {});
  loss(net_->forward(pixels(), features())).backward();
  optimizer.step(3.2e-4);
  for (const auto& item : net_->named_parameters()) {
    if (item.key().ends_with("in_proj_bias")) continue;  // Adam turns the key's rounding noise into full steps
    const torch::Tensor expected = file_.at("after_step.dist_net." + item.key());
    const torch::Tensor known = ~is_rounding_noise(item.key());
    EXPECT_GE(known.sum().item<int64_t>(), known.numel() - std::max<int64_t>(1, known.numel() / 10000)) << item.key();
    EXPECT_LT(relative_error(item.value().masked_select(known), expected.masked_select(known)), kGoldenTolerance)
        << item.key();
  }
}

INSTANTIATE_TEST_SUITE_P(Fixtures, DistGolden, ::testing::Values("dist_tiny.safetensors"));

int64_t parameter_count(const DistConfig& config) {
  int64_t count = 0;
  for (const torch::Tensor& parameter : DistNet(config)->parameters()) count += parameter.numel();
  return count;
}

TEST(DistNet, HasThePublishedNumberOfParameters) {
  DistConfig kinetics;
  EXPECT_EQ(parameter_count(kinetics), 26105184);
  DistConfig something_something;
  something_something.pooling_layers = 2;
  EXPECT_NEAR(static_cast<double>(parameter_count(something_something)), 19.001e6, 500);
  DistConfig large;
  large.frames = 64, large.patch_size = 14, large.layers = 24, large.width = 1024, large.embedding = 768;
  EXPECT_NEAR(static_cast<double>(parameter_count(large)), 39.868e6, 500);
}

}  // namespace
}  // namespace permafrost::core
