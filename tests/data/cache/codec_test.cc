#include "data/cache/codec.h"

#include <ATen/ops/linalg_qr.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <map>

#include "data/cache/codec_fit.h"
#include "data/cache/half_precision.h"
#include "tests/data/cache/make_cache.h"

namespace permafrost::data {
namespace {

using ::testing::HasSubstr;
using testing::message_of;
using testing::random_features;

constexpr FeatureShape kShape{.layers = 2, .frames = 3, .tokens = 5, .width = 32};

std::unique_ptr<Codec> fitted(const std::string& name, const FeatureShape& shape,
                              const std::vector<torch::Tensor>& sample, double bits = 4) {
  CodecFitter fitter(name, shape, {.bits = bits});
  for (const torch::Tensor& features : sample) fitter.add(features);
  FittedCodec found = fitter.finish();
  return make_codec(found.spec, shape, std::make_shared<CodecTables>(std::move(found.tables)));
}

std::vector<torch::Tensor> random_sample(const FeatureShape& shape, int64_t clips) {
  std::vector<torch::Tensor> sample;
  for (int64_t i = 0; i < clips; ++i) sample.push_back(random_features(shape, 100 + i));
  return sample;
}

double relative_error(const Codec& codec, const torch::Tensor& exact) {
  const torch::Tensor decoded = codec.decode(codec.encode(exact, "v"));
  return ((decoded - exact).norm() / exact.norm()).item<double>();
}

// What every codec must do.
class EveryCodec : public ::testing::TestWithParam<std::string> {
 protected:
  std::unique_ptr<Codec> codec_ = fitted(GetParam(), kShape, random_sample(kShape, 40));

  torch::Tensor round_trip(const torch::Tensor& features) const {
    return codec_->decode(codec_->encode(features, "v"));
  }
};

// What the codecs that convert each token by itself must do: nothing they hold depends on a sample.
class TokenCodec : public EveryCodec {
 protected:
  // The largest |decoded - exact| of a token whose largest |value| is `token_max`.
  double bound(double token_max) const {
    const std::string& name = codec_->name();
    if (name == "f32") return 0;
    if (name == "f16") return std::max(token_max * 0x1p-11, 0x1p-25);
    if (name == "bf16") return std::max(token_max * 0x1p-8, 0x1p-134);
    if (name == "fp8") return token_max * 0x1p-4 * 1.0001 + 1e-38;  // three bits of fraction
    return token_max / 254 * 1.0001 + 1e-38;
  }
};

INSTANTIATE_TEST_SUITE_P(Codecs, EveryCodec, ::testing::ValuesIn(codec_names()),
                         [](const auto& codec) { return codec.param; });
INSTANTIATE_TEST_SUITE_P(Codecs, TokenCodec, ::testing::Values("f32", "f16", "bf16", "int8", "fp8"),
                         [](const auto& codec) { return codec.param; });

TEST_P(TokenCodec, ComesBackWithinItsBoundForEveryToken) {
  for (const double scale : {1e-30, 1e-6, 1.0, 300.0}) {
    const torch::Tensor exact = random_features(kShape, 5) * scale;
    const torch::Tensor token_max = exact.abs().amax(-1).to(torch::kFloat64);                    // [N, t, L]
    const torch::Tensor error = (round_trip(exact).to(torch::kFloat64) - exact).abs().amax(-1);  // [N, t, L]
    for (int64_t token = 0; token < token_max.numel(); ++token) {
      EXPECT_LE(error.flatten()[token].item<double>(), bound(token_max.flatten()[token].item<double>()))
          << "scale " << scale;
    }
  }
}

TEST_P(EveryCodec, DecodesABatchAsItDecodesClips) {
  constexpr FeatureShape kManyTokens{.layers = 2, .frames = 3, .tokens = 25, .width = 32};  // several blocks of them
  const std::unique_ptr<Codec> codec = fitted(GetParam(), kManyTokens, random_sample(kManyTokens, 40));
  std::vector<torch::Tensor> clips;
  const auto bytes = static_cast<int64_t>(codec->bytes_per_record());
  torch::Tensor coded = torch::empty({3, bytes}, torch::kUInt8);
  for (int64_t i = 0; i < 3; ++i) {
    const std::vector<uint8_t> one = codec->encode(random_features(kManyTokens, 60 + i), "v");
    std::memcpy(coded[i].mutable_data_ptr(), one.data(), one.size());
    clips.push_back(codec->decode(one));
  }
  torch::Tensor room;
  torch::Tensor batch = codec->decode_batch(coded, room);
  EXPECT_TRUE(batch.transpose(0, 1).is_contiguous());
  EXPECT_TRUE(torch::allclose(batch, torch::stack(clips), 1e-6, 1e-6));
  const torch::Tensor other = codec->decode_batch(coded.slice(0, 0, 1), room);  // `batch` is held: elsewhere
  EXPECT_NE(other.const_data_ptr(), batch.const_data_ptr());
  EXPECT_TRUE(torch::allclose(batch, torch::stack(clips), 1e-6, 1e-6));
  const torch::Tensor narrow = codec->decode_batch(coded, room, torch::kBFloat16);
  EXPECT_TRUE(narrow.transpose(0, 1).is_contiguous());
  EXPECT_TRUE(torch::equal(narrow, batch.to(torch::kBFloat16)));
}

TEST_P(TokenCodec, IsStableOnWhatItDecoded) {
  const torch::Tensor once = round_trip(random_features(kShape, 6));
  EXPECT_TRUE(torch::allclose(round_trip(once), once, 1e-6, 0));
}

TEST_P(TokenCodec, KeepsZeroAndSign) {
  torch::Tensor features = torch::zeros({2, 3, 5, 32});
  EXPECT_TRUE(torch::equal(round_trip(features), features));
  features[1][2][4].slice(0, 0, 6) = torch::tensor({-1.0f, 1.0f, 0.0f, -0.5f, 0.5f, 0.0f});
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
    torch::Tensor features = torch::zeros({2, 3, 5, 32});
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
                codec_->encode(torch::zeros({2, 3, 5, 33}), "clip-17");
              }),
              HasSubstr("[2, 3, 5, 32]"));
  EXPECT_THROW(codec_->encode(torch::zeros({2, 3, 5, 32}, torch::kFloat64), "v"), core::DataError);
  EXPECT_THROW(codec_->encode(torch::Tensor(), "v"), core::DataError);
}

TEST(Codec, Int8KeepsEveryTokenToItsOwnScale) {
  const auto codec = make_codec({.name = "int8"}, kShape);
  torch::Tensor features = random_features(kShape, 3);
  features[0][1][2] *= 1000;
  const torch::Tensor error = (codec->decode(codec->encode(features, "v")) - features).abs();
  EXPECT_LT(error[0][1][1].max().item<float>(), 0.03f);
  EXPECT_GT(error[0][1][2].max().item<float>(), 0.03f);
}

// The residual stream of a trained encoder, as far as codecs care: layers that add a little to the one before, channels
// of unequal spread, and two channels hundreds of times larger than the others from the second layer on.
torch::Tensor residual_stream(const FeatureShape& shape, uint64_t seed, float outlier) {
  torch::Tensor features = random_features(shape, seed);
  const torch::Tensor spread = torch::linspace(0, 3, shape.width).neg().exp();
  features *= spread;
  for (int64_t layer = 1; layer < shape.layers; ++layer) features[layer].mul_(0.4).add_(features[layer - 1]);
  for (int64_t layer = 1; layer < shape.layers; ++layer) {
    features[layer].select(-1, 3).mul_(0.1).add_(outlier);
    features[layer].select(-1, 20).mul_(0.1).sub_(outlier);
  }
  return features;
}

constexpr FeatureShape kStream{.layers = 6, .frames = 4, .tokens = 17, .width = 64};

std::vector<torch::Tensor> stream_sample(float outlier) {
  std::vector<torch::Tensor> sample;
  for (uint64_t seed = 0; seed < 30; ++seed) sample.push_back(residual_stream(kStream, seed, outlier));
  return sample;
}

// Error of all channels but the two that are large.
double error_of_others(const Codec& codec, const torch::Tensor& exact) {
  const torch::Tensor decoded = codec.decode(codec.encode(exact, "v"));
  torch::Tensor keep = torch::ones({kStream.width});
  keep[3] = 0, keep[20] = 0;
  return (((decoded - exact) * keep).norm() / (exact * keep).norm()).item<double>();
}

TEST(Outliers, CostTheOtherChannelsNothing) {
  for (const auto& [name, bound] : std::map<std::string, double>{{"int8", 0.012}, {"int4", 0.12}, {"lowrank", 0.12}}) {
    const auto calm = fitted(name, kStream, stream_sample(0)), wild = fitted(name, kStream, stream_sample(400));
    EXPECT_EQ(calm->spec().outliers, 0) << name;
    EXPECT_EQ(wild->spec().outliers, 2) << name;
    const double before = error_of_others(*calm, residual_stream(kStream, 99, 0));
    const double after = error_of_others(*wild, residual_stream(kStream, 99, 400));
    EXPECT_LT(before, bound) << name;
    EXPECT_LT(after, 1.5 * bound) << name;
  }
}

TEST(Outliers, AreKeptExactlyWhereTheyArise) {
  const torch::Tensor exact = residual_stream(kStream, 99, 400);
  for (const char* name : {"int8", "int4", "lowrank"}) {
    const auto codec = fitted(name, kStream, stream_sample(400));
    const torch::Tensor decoded = codec->decode(codec->encode(exact, "v"));
    for (const int64_t channel : {3, 20}) {
      const torch::Tensor is = decoded.slice(0, 1).select(-1, channel), was = exact.slice(0, 1).select(-1, channel);
      EXPECT_TRUE(torch::equal(is[0], was[0])) << name;
      EXPECT_LT((is - was).abs().max().item<float>(), codec->spec().is_layered() ? 1.0f : 1e-30f) << name;
    }
  }
}

TEST(Outliers, WouldRuinInt8WithoutBeingKeptApart) {
  const auto plain = make_codec({.name = "int8"}, kStream);
  EXPECT_GT(error_of_others(*plain, residual_stream(kStream, 99, 400)), 0.5);
}

TEST(LayeredCodecs, AreFourTimesSmallerThanF16) {
  for (const FeatureShape shape : {kStream, FeatureShape{.layers = 2, .frames = 2, .tokens = 5, .width = 1024}}) {
    const uint64_t f16 = make_codec({.name = "f16"}, shape)->bytes_per_record();
    for (const char* name : {"int4", "lowrank"}) {
      EXPECT_LE(fitted(name, shape, random_sample(shape, 2))->bytes_per_record() * 4, f16) << name;
    }
  }
}

TEST(LayeredCodecs, LoseMuchLessThanFourPlainBits) {
  const torch::Tensor exact = residual_stream(kStream, 99, 0);
  const double int4 = relative_error(*fitted("int4", kStream, stream_sample(0)), exact);
  EXPECT_LT(int4, 0.1);
  // Four bits with a scale per token: seven steps from zero to the largest value.
  const torch::Tensor scale = exact.abs().amax(-1, true) / 7;
  const double plain = (((exact / scale).round() * scale - exact).norm() / exact.norm()).item<double>();
  EXPECT_LT(int4, 0.6 * plain);
}

TEST(LayeredCodecs, ErrorsDoNotAddUpOverLayers) {
  const torch::Tensor exact = residual_stream(kStream, 99, 0);
  const auto codec = fitted("int4", kStream, stream_sample(0));
  const torch::Tensor decoded = codec->decode(codec->encode(exact, "v"));
  const auto error = [&](int64_t layer) { return (decoded[layer] - exact[layer]).norm().item<double>(); };
  EXPECT_LT(error(5), error(0));
}

TEST(LowRank, FindsTheDirectionsThatChannelsMix) {
  torch::Tensor mixing = random_features({.layers = 1, .frames = 1, .tokens = 64, .width = 64}, 5)[0][0];
  mixing = std::get<0>(at::linalg_qr(mixing));
  std::vector<torch::Tensor> sample = stream_sample(0);
  for (torch::Tensor& features : sample) features = torch::matmul(features, mixing);
  const torch::Tensor exact = torch::matmul(residual_stream(kStream, 99, 0), mixing);
  const double int4 = relative_error(*fitted("int4", kStream, sample), exact);
  EXPECT_LT(relative_error(*fitted("lowrank", kStream, sample), exact), 0.8 * int4);
}

TEST(LowRank, FewerBitsAreFewerBytesAndMoreError) {
  const torch::Tensor exact = residual_stream(kStream, 99, 0);
  uint64_t bytes = UINT64_MAX;
  double error = 0;
  for (const double bits : {8.0, 6.0, 4.0, 3.0, 2.0}) {
    const auto codec = fitted("lowrank", kStream, stream_sample(0), bits);
    EXPECT_LE(static_cast<double>(codec->bytes_per_record()) * 8, bits * static_cast<double>(kStream.values()));
    EXPECT_LT(codec->bytes_per_record(), bytes);
    EXPECT_GT(relative_error(*codec, exact), error);
    bytes = codec->bytes_per_record();
    error = relative_error(*codec, exact);
  }
}

TEST(CodecFit, TheSameSampleGivesTheSameTables) {
  for (const char* name : {"int8", "int4", "lowrank"}) {
    EXPECT_EQ(fitted(name, kStream, stream_sample(400))->spec(), fitted(name, kStream, stream_sample(400))->spec());
  }
}

TEST(CodecFit, RefusesASampleThatIsNotFinite) {
  CodecFitter fitter("int4", kShape);
  torch::Tensor features = random_features(kShape, 1);
  features[0][0][0][0] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THROW(fitter.add(features), core::DataError);
  EXPECT_THROW(fitter.finish(), core::DataError);
}

TEST(CodecTables, OfAnotherShapeAreRefused) {
  CodecFitter fitter("int4", kShape);
  fitter.add(random_features(kShape, 1));
  const FittedCodec found = fitter.finish();
  EXPECT_THAT(message_of<core::DataError>([&] {
                make_codec(found.spec, {.layers = 3, .frames = 3, .tokens = 5, .width = 32},
                           std::make_shared<CodecTables>(found.tables));
              }),
              HasSubstr("codec.safetensors: 'mean' expected"));
}

TEST(Codec, AnUnknownNameIsAnsweredWithTheNames) {
  const std::string message = message_of<core::ConfigError>([] { make_codec({.name = "f8"}, kShape); });
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
