#include "data/cache/codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "data/cache/half_precision.h"
#include "tests/data/cache/make_cache.h"

namespace permafrost::data {
namespace {

using ::testing::HasSubstr;
using testing::message_of;
using testing::random_features;

constexpr FeatureShape kShape{.layers = 2, .frames = 3, .tokens = 5, .width = 11};

// What every codec must do.
class EveryCodec : public ::testing::TestWithParam<std::string> {
 protected:
  std::unique_ptr<Codec> codec_ = make_codec(GetParam(), kShape);

  torch::Tensor round_trip(const torch::Tensor& features) const {
    return codec_->decode(codec_->encode(features, "v"));
  }
};

INSTANTIATE_TEST_SUITE_P(Codecs, EveryCodec, ::testing::ValuesIn(codec_names()),
                         [](const auto& codec) { return codec.param; });

TEST_P(EveryCodec, ComesBackWithinItsBoundForEveryToken) {
  for (const double scale : {1e-30, 1e-6, 1.0, 300.0}) {
    const torch::Tensor exact = random_features(kShape, 5) * scale;
    const torch::Tensor token_max = exact.abs().amax(-1).to(torch::kFloat64);                    // [N, t, L]
    const torch::Tensor error = (round_trip(exact).to(torch::kFloat64) - exact).abs().amax(-1);  // [N, t, L]
    for (int64_t token = 0; token < token_max.numel(); ++token) {
      EXPECT_LE(error.flatten()[token].item<double>(), codec_->error_bound(token_max.flatten()[token].item<double>()))
          << "scale " << scale;
    }
  }
}

TEST_P(EveryCodec, IsStableOnWhatItDecoded) {
  const torch::Tensor once = round_trip(random_features(kShape, 6));
  EXPECT_TRUE(torch::allclose(round_trip(once), once, 1e-6, 0));
}

TEST_P(EveryCodec, KeepsZeroAndSign) {
  torch::Tensor features = torch::zeros({2, 3, 5, 11});
  EXPECT_TRUE(torch::equal(round_trip(features), features));
  features[1][2][4] = torch::tensor({-1.0f, 1.0f, 0.0f, -0.5f, 0.5f, 0.0f, -1.0f, 1.0f, 1.0f, 0.0f, 0.0f});
  EXPECT_TRUE(torch::equal(round_trip(features).sign(), features.sign()));
}

TEST_P(EveryCodec, ReadsFeaturesOfAnyStrides) {
  const torch::Tensor features = random_features(kShape, 7);
  const torch::Tensor strided = features.transpose(0, 3).contiguous().transpose(0, 3);
  ASSERT_FALSE(strided.is_contiguous());
  EXPECT_EQ(codec_->encode(strided, "v"), codec_->encode(features, "v"));
}

TEST_P(EveryCodec, FillsItsFieldsToTheByte) {
  const std::vector<Field> fields = codec_->fields();
  ASSERT_FALSE(fields.empty());
  EXPECT_EQ(fields[0].name, "features");
  uint64_t bytes = 0;
  for (const Field& field : fields) bytes += field.record_bytes();
  EXPECT_EQ(bytes, codec_->bytes_per_record());
  EXPECT_EQ(codec_->encode(random_features(kShape, 8), "v").size(), bytes);
}

TEST_P(EveryCodec, RefusesNanAndInfinityNamingTheVideo) {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                          -std::numeric_limits<float>::infinity()}) {
    torch::Tensor features = random_features(kShape, 9);
    features[1][2][4][10] = bad;
    const std::string message = message_of<core::DataError>([&] { codec_->encode(features, "clip-17"); });
    EXPECT_THAT(message, HasSubstr("clip-17"));
    EXPECT_THAT(message, HasSubstr("finite"));
  }
}

TEST_P(EveryCodec, NeverTurnsAFiniteNumberIntoInfinity) {
  for (const float large :
       {65504.0f, 65519.0f, 65520.0f, 1e30f, 3.38e38f, 3.3961e38f, std::numeric_limits<float>::max()}) {
    torch::Tensor features = torch::zeros({2, 3, 5, 11});
    features[0][0][0][0] = -large;
    std::string message;
    torch::Tensor decoded;
    message = message_of<core::DataError>([&] { decoded = round_trip(features); });
    if (message.empty()) {
      EXPECT_TRUE(torch::isfinite(decoded).all().item<bool>()) << large;
    } else {
      EXPECT_THAT(message, HasSubstr("beyond"));
    }
  }
}

TEST_P(EveryCodec, RefusesAnotherShapeAndAnotherType) {
  EXPECT_THAT(message_of<core::DataError>([&] {
                codec_->encode(torch::zeros({2, 3, 5, 12}), "clip-17");
              }),
              HasSubstr("[2, 3, 5, 11]"));
  EXPECT_THROW(codec_->encode(torch::zeros({2, 3, 5, 11}, torch::kFloat64), "v"), core::DataError);
  EXPECT_THROW(codec_->encode(torch::Tensor(), "v"), core::DataError);
}

TEST(Codec, Int8KeepsEveryTokenToItsOwnScale) {
  const auto codec = make_codec("int8", kShape);
  torch::Tensor features = random_features(kShape, 3);
  features[0][1][2] *= 1000;
  const torch::Tensor error = (codec->decode(codec->encode(features, "v")) - features).abs();
  EXPECT_LT(error[0][1][1].max().item<float>(), 0.03f);
  EXPECT_GT(error[0][1][2].max().item<float>(), 0.03f);
}

TEST(Codec, AnUnknownNameIsAnsweredWithTheNames) {
  const std::string message = message_of<core::ConfigError>([] { make_codec("f8", kShape); });
  for (const std::string& name : codec_names()) EXPECT_THAT(message, HasSubstr(name));
  EXPECT_THAT(message, HasSubstr("'f8'"));
}

TEST(HalfPrecision, DecodesEveryHalfAsLibTorchDoes) {
  std::vector<uint16_t> halves(0x10000);
  for (size_t i = 0; i < halves.size(); ++i) halves[i] = static_cast<uint16_t>(i);
  const torch::Tensor expected =
      torch::from_blob(halves.data(), {0x10000}, torch::kHalf).to(torch::kFloat32).nan_to_num(-7);
  for (const auto decode : {&decode_half, &decode_half_portable}) {
    torch::Tensor found = torch::empty({0x10000});
    decode(reinterpret_cast<const uint8_t*>(halves.data()), found.data_ptr<float>(), halves.size());
    EXPECT_TRUE(torch::equal(found.nan_to_num(-7), expected));
  }
}

TEST(HalfPrecision, EncodesAsLibTorchDoesTiesIncluded) {
  std::vector<float> values;
  core::RandomStream random(1, {});
  for (int i = 0; i < 20011; ++i)
    values.push_back(static_cast<float>(random.normal() * std::exp2(random.uniform(-26, 12))));
  for (int i = 0; i < 5000; ++i) values.push_back(1.0f + static_cast<float>(i) * 0x1p-12f);
  const torch::Tensor exact = torch::from_blob(values.data(), {static_cast<int64_t>(values.size())});
  torch::Tensor expected = exact.to(torch::kHalf);
  for (const auto encode : {&encode_half, &encode_half_portable}) {
    torch::Tensor found = torch::empty_like(expected);
    encode(values.data(), static_cast<uint8_t*>(found.data_ptr()), values.size());
    EXPECT_TRUE(torch::equal(found, expected));
  }
  expected = exact.to(torch::kBFloat16);
  torch::Tensor found = torch::empty_like(expected);
  encode_brain_float(values.data(), static_cast<uint8_t*>(found.data_ptr()), values.size());
  EXPECT_TRUE(torch::equal(found, expected));
}

}  // namespace
}  // namespace permafrost::data
