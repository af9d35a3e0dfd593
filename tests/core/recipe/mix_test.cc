#include "core/recipe/mix.h"

#include <gtest/gtest.h>

#include "core/checkpoint/safetensors.h"
#include "core/dist/head.h"
#include "core/encoder/vision_transformer.h"
#include "tests/core/golden.h"

namespace permafrost::core {
namespace {

using testing::golden_path;

constexpr int64_t kSize = 24, kPatch = 8, kClasses = 5, kCases = 8;

// One of timm's cases.
struct Case {
  GroupMix group;
  double drawn_lambda = 0;
  std::string prefix;

  BatchMix batch() const { return {.group = 4, .groups = {group}}; }
};

Case case_of(const SafetensorsFile& golden, int64_t number) {
  Case found;
  found.prefix = "case." + std::to_string(number) + ".";
  const torch::Tensor lambdas = golden.at(found.prefix + "drawn_and_true_lambda");
  found.drawn_lambda = lambdas[0].item<double>();
  found.group.lambda = lambdas[1].item<double>();
  if (golden.tensors.count(found.prefix + "box") == 0) return found;
  const torch::Tensor box = golden.at(found.prefix + "box");
  found.group.box =
      CutBox{box[0].item<int64_t>(), box[1].item<int64_t>(), box[2].item<int64_t>(), box[3].item<int64_t>()};
  return found;
}

double difference(const torch::Tensor& a, const torch::Tensor& b) { return (a - b).abs().max().item<double>(); }

TEST(Mix, GivesTimmsPixelsTargetsAndLoss) {
  const SafetensorsFile golden = read_safetensors(golden_path("mix.safetensors"));
  for (int64_t number = 0; number < kCases; ++number) {
    const Case expected = case_of(golden, number);
    const torch::Tensor pixels = normalise_pixels(mix_pixels(golden.at("pixels"), expected.batch()));
    EXPECT_LE(difference(pixels, golden.at(expected.prefix + "normalised")), 2e-6) << number;
    const torch::Tensor targets = soft_targets(golden.at("targets"), kClasses, expected.batch());
    EXPECT_LE(difference(0.9 * targets + 0.1 / kClasses, golden.at(expected.prefix + "soft_targets")), 1e-7) << number;
    const Head head(HeadConfig{.kind = HeadKind::kLinear, .classes = kClasses}, 1);
    EXPECT_LE(difference(head->loss({golden.at("logits")}, targets, 0.1), golden.at(expected.prefix + "loss_sum")),
              2e-6)
        << number;
  }
}

TEST(Mix, CutsTimmsBoxAndCorrectsLambdaByItsArea) {
  const SafetensorsFile golden = read_safetensors(golden_path("mix.safetensors"));
  int compared = 0;
  for (int64_t number = 0; number < kCases; ++number) {
    const Case expected = case_of(golden, number);
    if (!expected.group.box) continue;
    const torch::Tensor centre = golden.at(expected.prefix + "centre");
    const CutBox box = cutmix_box(expected.drawn_lambda, centre[0].item<int64_t>(), centre[1].item<int64_t>(), kSize);
    EXPECT_EQ(box.top, expected.group.box->top);
    EXPECT_EQ(box.bottom, expected.group.box->bottom);
    EXPECT_EQ(box.left, expected.group.box->left);
    EXPECT_EQ(box.right, expected.group.box->right);
    EXPECT_DOUBLE_EQ(1 - static_cast<double>(box.area()) / (kSize * kSize), expected.group.lambda);
    const torch::Tensor weights = token_weights(box, kSize, kPatch);
    EXPECT_LE(difference(weights.slice(0, 1), golden.at(expected.prefix + "partner_share_of_patches")), 1e-7) << number;
    EXPECT_NEAR(weights[0].item<double>(), 1 - expected.group.lambda, 1e-7);
    ++compared;
  }
  EXPECT_EQ(compared, 5);
}

TEST(Mix, MixesFeaturesByTheSharesOfTheirTokens) {
  const int64_t tokens = 1 + (kSize / kPatch) * (kSize / kPatch);
  const torch::Tensor features = torch::randn({4, 2, 3, tokens, 6});  // [b, N, t, L, C]
  const GroupMix mixup{.lambda = 0.3, .box = {}}, cutmix{.lambda = 0.8, .box = CutBox{4, 20, 0, 12}};
  for (const GroupMix& group : {mixup, cutmix}) {
    const torch::Tensor weight = group.box ? token_weights(*group.box, kSize, kPatch).unsqueeze(1)  // [L, 1]
                                           : torch::full({1, 1}, 1 - group.lambda);
    const torch::Tensor expected = features * (1 - weight) + features.flip(0) * weight;
    EXPECT_LE(difference(mix_features(features, {.group = 4, .groups = {group}}, kSize, kPatch), expected), 1e-6);
  }
}

TEST(Mix, MixesPixelsAndFeaturesOfWholePatchesAlike) {
  // Features that are the patches' own mean pixel: a box along patch borders commutes with taking the mean.
  const torch::Tensor pixels = torch::randint(0, 256, {4, 1, 3, kSize, kSize}, torch::kUInt8);
  const auto features_of = [](const torch::Tensor& frames) {
    const torch::Tensor patches = torch::avg_pool2d(frames.to(torch::kFloat32).flatten(0, 1), kPatch);  // [b, 3, g, g]
    const torch::Tensor tokens = patches.flatten(2).transpose(1, 2);                                    // [b, g*g, 3]
    return torch::cat({tokens.mean(1, true), tokens}, 1).unsqueeze(1).unsqueeze(1);  // [b, 1, 1, L, 3]
  };
  const GroupMix mixup{.lambda = 0.4, .box = {}}, cutmix{.lambda = 7.0 / 9, .box = CutBox{8, 24, 16, 24}};
  for (const GroupMix& group : {mixup, cutmix}) {
    const BatchMix mix{.group = 4, .groups = {group}};
    const torch::Tensor found = mix_features(features_of(pixels), mix, kSize, kPatch);
    const torch::Tensor expected = features_of(mix_pixels(pixels, mix));
    EXPECT_LE(difference(found.slice(3, 1), expected.slice(3, 1)), 1e-3);
    if (!group.box) EXPECT_LE(difference(found, expected), 1e-3);
  }
}

TEST(Mix, OfAPieceIsThePieceOfTheMix) {
  const MixOptions options{.group = 2};
  const BatchMix whole = draw_batch_mix(options, {.seed = 5, .epoch = 2, .batch = 7}, 12, kSize);
  ASSERT_EQ(whole.groups.size(), 6u);
  for (int64_t first = 0; first < 12; first += 4) {
    const BatchMix piece = draw_batch_mix(options, {.seed = 5, .epoch = 2, .batch = 7, .first_clip = first}, 4, kSize);
    for (int64_t clip = 0; clip < 4; ++clip) {
      EXPECT_EQ(piece.of(clip).lambda, whole.of(first + clip).lambda);
      EXPECT_EQ(piece.of(clip).box.has_value(), whole.of(first + clip).box.has_value());
      EXPECT_EQ(first + piece.partner(clip), whole.partner(first + clip));
    }
  }
}

TEST(Mix, DependsOnSeedEpochBatchAndGroup) {
  const auto lambda = [](uint64_t seed, int64_t epoch, int64_t batch, int64_t first) {
    return draw_batch_mix({.cutmix = 0, .group = 2}, {seed, epoch, batch, first}, 2, kSize).groups[0].lambda;
  };
  const double one = lambda(1, 1, 1, 2);
  EXPECT_EQ(one, lambda(1, 1, 1, 2));
  for (const double other : {lambda(2, 1, 1, 2), lambda(1, 2, 1, 2), lambda(1, 1, 2, 2), lambda(1, 1, 1, 4)}) {
    EXPECT_NE(one, other);
  }
}

TEST(Mix, DrawsBothKindsHalfTheTimeAndOneWhereTheOtherIsOff) {
  int cut = 0;
  for (uint64_t seed = 0; seed < 2000; ++seed) {
    cut += draw_group_mix({}, 224, RandomStream(seed, {})).box ? 1 : 0;
    EXPECT_FALSE(draw_group_mix({.cutmix = 0}, 224, RandomStream(seed, {})).box);
    EXPECT_TRUE(draw_group_mix({.mixup = 0}, 224, RandomStream(seed, {})).box);
  }
  EXPECT_NEAR(cut, 1000, 90);  // four standard deviations
}

TEST(Mix, OffChangesNothing) {
  const BatchMix mix = draw_batch_mix({.group = 0}, {}, 3, kSize);
  EXPECT_FALSE(mix.is_on());
  EXPECT_FALSE(draw_batch_mix({.mixup = 0, .cutmix = 0}, {}, 3, kSize).is_on());
  const torch::Tensor pixels = torch::randint(0, 256, {3, 1, 3, kSize, kSize}, torch::kUInt8);
  EXPECT_TRUE(mix_pixels(pixels, mix).is_same(pixels));
  const torch::Tensor logits = torch::randn({3, kClasses}), targets = torch::tensor({4, 0, 2});
  const torch::Tensor expected = torch::cross_entropy_loss(logits, targets, {}, at::Reduction::Sum, -100, 0.1);
  const Head head(HeadConfig{.kind = HeadKind::kLinear, .classes = kClasses}, 1);
  EXPECT_LE(difference(head->loss({logits}, soft_targets(targets, kClasses, mix), 0.1), expected), 2e-6);
}

}  // namespace
}  // namespace permafrost::core
