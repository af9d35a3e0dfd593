// Every family of encoders against transformers' numbers (tests/golden/make_encoder_fixtures.py), at the stored image
// size and at another; CLIP also under OpenAI's names.
#include <gtest/gtest.h>

#include "core/encoder/encoder_weights.h"
#include "tests/core/golden.h"
#include "tests/tools/vision_check.h"

namespace permafrost::core {
namespace {

using permafrost::testing::golden_path;
using permafrost::testing::kGoldenTolerance;
using permafrost::testing::vision_errors;

class EncoderGolden : public ::testing::TestWithParam<std::string> {};

TEST_P(EncoderGolden, EveryHiddenStateAndTheEmbeddingAreTransformers) {
  const std::map<std::string, double> errors = vision_errors(golden_path(GetParam()));
  EXPECT_EQ(errors.size(), 4);  // two kinds, twice
  for (const auto& [what, error] : errors) {
    EXPECT_LT(error, kGoldenTolerance) << what;
    RecordProperty(what, std::to_string(error));
  }
}

INSTANTIATE_TEST_SUITE_P(Fixtures, EncoderGolden,
                         ::testing::Values("clip_vision_quick_gelu", "clip_vision_gelu", "encoder_clip",
                                           "encoder_dinov2", "encoder_dinov2_giant", "encoder_dinov2_with_registers",
                                           "encoder_siglip", "encoder_siglip2", "encoder_vit"));

TEST(EncoderFamilies, HaveTheirOwnNormalisation) {
  EXPECT_EQ(load_encoder(golden_path("encoder_clip"))->config.pixels, PixelNormalisation{});
  EXPECT_EQ(load_encoder(golden_path("encoder_dinov2"))->config.pixels, kImageNetPixels);
  EXPECT_EQ(load_encoder(golden_path("encoder_siglip"))->config.pixels, kSymmetricPixels);
  EXPECT_EQ(load_encoder(golden_path("encoder_vit"))->config.pixels, kSymmetricPixels);
}

TEST(EncoderFamilies, AlwaysReturnAClassTokenAndThePatches) {
  for (const char* name : {"encoder_clip", "encoder_dinov2_with_registers", "encoder_siglip", "encoder_siglip2"}) {
    VisionTransformer encoder = load_encoder(golden_path(name));
    const torch::NoGradGuard no_grad;
    const std::vector<torch::Tensor> layers = encoder->forward(torch::randn({2, 3, 32, 32}));
    ASSERT_EQ(layers.size(), 2) << name;
    EXPECT_EQ(layers[1].sizes(), (std::vector<int64_t>{2, 17, 32})) << name;
  }
}

TEST(EncoderFamilies, TheMeanOfThePatchesStandsInForAMissingClassToken) {
  VisionTransformer encoder = load_encoder(golden_path("encoder_siglip"));
  const torch::NoGradGuard no_grad;
  const torch::Tensor layer = encoder->forward(torch::randn({2, 3, 32, 32})).front();
  EXPECT_TRUE(torch::allclose(layer.select(1, 0), layer.slice(1, 1).mean(1), 0, 1e-6));
}

}  // namespace
}  // namespace permafrost::core
