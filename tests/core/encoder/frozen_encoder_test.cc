// Frozen by construction: no gradient, no trace of the encoder in a training step's graph or memory.
#include "core/encoder/frozen_encoder.h"

#include <c10/core/Allocator.h>
#include <c10/util/ThreadLocalDebugInfo.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/functions/accumulate_grad.h>
#include <torch/types.h>

#include <set>

#include "core/base/error.h"
#include "core/dist/dist_net.h"
#include "core/encoder/precision.h"
#include "core/recipe/optimizer.h"
#include "tests/core/golden.h"
#include "tests/temporary_directory.h"

namespace permafrost::core {
namespace {

using permafrost::testing::golden_path;
using permafrost::testing::relative_error;

const char* const kFixture = "clip_vision_quick_gelu";

// What LibTorch's CPU allocator holds for this thread, now and at most.
class MemoryCounter : public c10::MemoryReportingInfoBase {
 public:
  void reportMemoryUsage(void*, int64_t bytes, size_t, size_t, c10::Device) override {
    held_bytes += bytes;
    most_bytes = std::max(most_bytes, held_bytes);
  }
  bool memoryProfilingEnabled() const override { return true; }

  int64_t held_bytes = 0, most_bytes = 0;
};

template <class Action>
std::shared_ptr<MemoryCounter> count_memory(Action action) {
  auto counter = std::make_shared<MemoryCounter>();
  const c10::DebugInfoGuard guard(c10::DebugInfoKind::PROFILER_STATE, counter);
  action();
  return counter;
}

DistConfig small_dist(int64_t layers) {
  DistConfig config;
  config.frames = 4, config.alpha = 2, config.image_size = 32, config.patch_size = 8;
  config.layers = layers, config.width = 64, config.embedding = 16;
  config.integration_dim = 64, config.temporal_dim = 8, config.pooling_layers = 1;
  return config;
}

// A folder with an encoder of so many layers.
std::string write_encoder(const permafrost::testing::TemporaryDirectory& folder, int64_t layers) {
  VisionTransformer encoder(VisionConfig{
      .image_size = 32, .patch_size = 8, .width = 64, .layers = layers, .heads = 2, .mlp_width = 128, .embedding = 16});
  initialise(encoder, 1);
  const std::string path = folder / std::to_string(layers);
  save_encoder(path, encoder);
  return path;
}

struct Clips {
  torch::Tensor pixels;    // uint8 [B, F, 3, S, S]
  torch::Tensor features;  // [2, B, t, L, C]
};

// Two clips with two of the encoder's layers, as a trainer gets them.
Clips encode_clips(FrozenEncoder& encoder, const std::vector<int64_t>& layers) {
  const torch::Tensor pixels =
      torch::arange(2 * 4 * 3 * 32 * 32).remainder(255).to(torch::kUInt8).view({2, 4, 3, 32, 32});
  const torch::Tensor frames = pixels.slice(1, 0, std::nullopt, 2).flatten(0, 1);
  const torch::Tensor chosen = encoder.encode(frames).index_select(0, torch::tensor(layers));
  return {pixels, chosen.unflatten(1, {2, 2}).clone()};
}

std::set<const at::TensorImpl*> leaves_below(const torch::Tensor& loss) {
  std::set<const at::TensorImpl*> leaves;
  std::set<torch::autograd::Node*> seen;
  std::vector<torch::autograd::Node*> open{loss.grad_fn().get()};
  while (!open.empty()) {
    torch::autograd::Node* node = open.back();
    open.pop_back();
    if (node == nullptr || !seen.insert(node).second) continue;
    if (auto* leaf = dynamic_cast<torch::autograd::AccumulateGrad*>(node)) {
      leaves.insert(leaf->variable.unsafeGetTensorImpl());
    }
    for (const torch::autograd::Edge& edge : node->next_edges()) open.push_back(edge.function.get());
  }
  return leaves;
}

TEST(FrozenEncoder, LetsNoGradientIn) {
  FrozenEncoder encoder(golden_path(kFixture));
  const int64_t size = encoder.config().image_size;
  const torch::Tensor features = encoder.encode(torch::zeros({2, 3, size, size}, torch::kUInt8));
  EXPECT_FALSE(features.requires_grad());
  EXPECT_FALSE(features.grad_fn());
  EXPECT_FALSE(features.is_inference());  // or no step could keep them for its backward
  EXPECT_EQ(features.sizes(), (std::vector<int64_t>{4, 2, 17, 64}));
}

TEST(FrozenEncoder, NoNodeOfATrainingStepsGraphTouchesIt) {
  const permafrost::testing::TemporaryDirectory folder;
  FrozenEncoder encoder(write_encoder(folder, 4));
  const Clips clips = encode_clips(encoder, {1, 3});
  DistNet net(small_dist(2));
  initialise(*net, 1);
  const torch::Tensor loss = net(normalise_pixels(clips.pixels), clips.features).sum();
  std::set<const at::TensorImpl*> trainable;
  for (const torch::Tensor& parameter : net->parameters()) trainable.insert(parameter.unsafeGetTensorImpl());
  const std::set<const at::TensorImpl*> leaves = leaves_below(loss);
  EXPECT_GT(leaves.size(), 20);
  for (const at::TensorImpl* leaf : leaves) EXPECT_TRUE(trainable.contains(leaf));
}

// Bytes that a step holds at most, and what the encoder's forward leaves behind.
struct StepMemory {
  int64_t step_bytes, forward_bytes, feature_bytes;
};

StepMemory measure_step(const std::string& path, const std::vector<int64_t>& layers) {
  FrozenEncoder encoder(path);
  Clips clips;
  const int64_t forward_bytes = count_memory([&] { clips = encode_clips(encoder, layers); })->held_bytes;
  DistNet net(small_dist(2));
  initialise(*net, 1);
  const auto step = count_memory([&] {
    AdamW optimizer(trainable_parameters(*net, 2), {});
    net(normalise_pixels(clips.pixels), clips.features).sum().backward();
    optimizer.step(1e-4);
  });
  return {step->most_bytes, forward_bytes, static_cast<int64_t>(clips.pixels.nbytes() + clips.features.nbytes())};
}

TEST(FrozenEncoder, AStepsMemoryDoesNotGrowWithItsDepth) {
  const permafrost::testing::TemporaryDirectory folder;
  const StepMemory shallow = measure_step(write_encoder(folder, 4), {1, 3});
  const StepMemory deep = measure_step(write_encoder(folder, 8), {1, 7});
  EXPECT_GT(shallow.step_bytes, shallow.feature_bytes);
  EXPECT_EQ(shallow.step_bytes, deep.step_bytes);
  EXPECT_EQ(shallow.forward_bytes, shallow.feature_bytes);  // the forward keeps its result and nothing else
  EXPECT_EQ(deep.forward_bytes, deep.feature_bytes);
}

TEST(FrozenEncoder, RunsInHalfPrecisionCloseToExact) {
  const torch::Tensor frames = torch::arange(2 * 3 * 64 * 64).remainder(251).to(torch::kUInt8).view({2, 3, 64, 64});
  FrozenEncoder exact(golden_path(kFixture));
  const torch::Tensor expected = exact.encode(frames);
  for (const auto& [name, tolerance] : {std::pair{"bf16", 0.02}, std::pair{"fp16", 0.003}}) {
    FrozenEncoder half(golden_path(kFixture), {.dtype = precision_named(name)});
    const torch::Tensor found = half.encode(frames);
    EXPECT_EQ(found.scalar_type(), torch::kFloat32) << name;
    EXPECT_LT(relative_error(found, expected), tolerance) << name;
    EXPECT_GT(relative_error(found, expected), 0) << name;
    EXPECT_LT(relative_error(half.embed(found[-1]), exact.embed(expected[-1])), 2 * tolerance) << name;
    EXPECT_EQ(half.sha256(), exact.sha256()) << name;
    EXPECT_EQ(precision_name(half.dtype()), name);
  }
  EXPECT_THROW(precision_named("int8"), ConfigError);
}

// Frozen, factors and scales lie in the weights: the same numbers as from the weights of the file.
TEST(FrozenEncoder, IsTheModuleOfEveryFamily) {
  for (const char* fixture : {"encoder_clip", "encoder_dinov2", "encoder_dinov2_giant", "encoder_siglip2",
                              "encoder_vit", "clip_vision_gelu"}) {
    VisionTransformer module = load_encoder(golden_path(fixture), {});
    const int64_t size = module->config.image_size;
    const torch::Tensor frames =
        torch::arange(2 * 3 * size * size).remainder(251).to(torch::kUInt8).view({2, 3, size, size});
    const torch::Tensor expected = torch::stack(module->forward(normalise_pixels(frames, module->config.pixels)));
    EXPECT_LT(relative_error(FrozenEncoder(golden_path(fixture)).encode(frames), expected.detach()), 1e-5) << fixture;
    FrozenEncoder narrow(golden_path(fixture), {.dtype = torch::kBFloat16});
    EXPECT_LT(relative_error(narrow.encode(frames), expected.detach()), 0.03) << fixture;
  }
}

TEST(FrozenEncoder, AnyBatchGivesTheSameFeatures) {
  FrozenEncoder encoder(golden_path(kFixture));
  const torch::Tensor frames = torch::arange(5 * 3 * 64 * 64).remainder(241).to(torch::kUInt8).view({5, 3, 64, 64});
  const torch::Tensor together = encoder.encode(frames);
  for (int64_t i = 0; i < 5; ++i) {
    EXPECT_LT(relative_error(encoder.encode(frames.slice(0, i, i + 1)), together.slice(1, i, i + 1)), 2e-6);
  }
}

TEST(FrozenEncoder, ImageSizeActivationAndNormalisationArePartOfTheIdentity) {
  const std::string path = golden_path(kFixture);
  const std::string own = FrozenEncoder(path).sha256();
  EXPECT_EQ(FrozenEncoder(path, {.image_size = 64}).sha256(), own);
  EXPECT_NE(FrozenEncoder(path, {.image_size = 96}).sha256(), own);
  EXPECT_NE(FrozenEncoder(path, {.activation = Activation::kGelu}).sha256(), own);
  const permafrost::testing::TemporaryDirectory folder;
  VisionTransformer encoder = load_encoder(path);
  encoder->config.pixels = kSymmetricPixels;
  save_encoder(folder.path(), encoder);
  EXPECT_NE(FrozenEncoder(folder.path()).sha256(), own);
}

TEST(Pixels, AreNormalisedByTheFamilysConstants) {
  const torch::Tensor white = torch::full({1, 3, 2, 2}, 255, torch::kUInt8);
  EXPECT_TRUE(torch::equal(normalise_pixels(white, kSymmetricPixels), torch::ones({1, 3, 2, 2})));
  EXPECT_NEAR(normalise_pixels(white)[0][2][0][0].item<double>(), (1 - 0.40821073) / 0.27577711, 1e-6);
  EXPECT_NEAR(normalise_pixels(white, kImageNetPixels)[0][0][1][1].item<double>(), (1 - 0.485) / 0.229, 1e-6);
}

}  // namespace
}  // namespace permafrost::core
