// The kernels' bodies against Codec::decode(): on the CPU, or on a GPU with PERMAFROST_TEST_DEVICE=cuda:0.
#include "data/cache/kernel_decoder.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>

#include "data/cache/codec_fit.h"
#include "data/cache/feature_decoder.h"
#include "tests/data/cache/make_cache.h"

namespace permafrost::data {
namespace {

using testing::random_features;

struct Case {
  std::string codec;
  FeatureShape shape;
  int64_t clips;
  bool has_outliers;
};

std::ostream& operator<<(std::ostream& out, const Case& one) {
  return out << one.codec << " " << one.shape.layers << "x" << one.shape.frames << "x" << one.shape.tokens << "x"
             << one.shape.width << ", " << one.clips << " clips" << (one.has_outliers ? ", outliers" : "");
}

torch::Device test_device() {
  const char* name = std::getenv("PERMAFROST_TEST_DEVICE");
  return torch::Device(name == nullptr ? "cpu" : name);
}

// Channels hundreds of times larger than the others, of the first and the last layer not the same.
torch::Tensor features_of(const Case& one, uint64_t seed) {
  torch::Tensor features = random_features(one.shape, seed);
  if (!one.has_outliers) return features;
  features[0].select(-1, 1).mul_(300);
  features[one.shape.layers - 1].select(-1, one.shape.width - 2).mul_(500);
  return features;
}

std::unique_ptr<Codec> fitted(const Case& one) {
  CodecFitter fitter(one.codec, one.shape);
  for (uint64_t seed = 0; seed < 40; ++seed) fitter.add(features_of(one, 1000 + seed));
  FittedCodec found = fitter.finish();
  return make_codec(found.spec, one.shape, std::make_shared<CodecTables>(std::move(found.tables)));
}

// uint8 [b, bytes]
torch::Tensor coded_clips(const Codec& codec, const Case& one) {
  torch::Tensor coded = torch::empty({one.clips, static_cast<int64_t>(codec.bytes_per_record())}, torch::kUInt8);
  for (int64_t i = 0; i < one.clips; ++i) {
    const std::vector<uint8_t> bytes = codec.encode(features_of(one, 60 + static_cast<uint64_t>(i)), "v");
    std::memcpy(coded[i].mutable_data_ptr(), bytes.data(), bytes.size());
  }
  return coded;
}

// float32 [b, N, t, L, C]
torch::Tensor decoded_one_by_one(const Codec& codec, const torch::Tensor& coded) {
  std::vector<torch::Tensor> clips;
  for (int64_t i = 0; i < coded.size(0); ++i) {
    clips.push_back(codec.decode({coded[i].const_data_ptr<uint8_t>(), static_cast<size_t>(coded.size(1))}));
  }
  return torch::stack(clips);
}

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const std::string& codec : codec_names()) {
    cases.push_back({codec, {.layers = 3, .frames = 2, .tokens = 5, .width = 48}, 3, false});
    cases.push_back({codec, {.layers = 2, .frames = 3, .tokens = 7, .width = 37}, 1, false});
    cases.push_back({codec, {.layers = 4, .frames = 1, .tokens = 3, .width = 48}, 2, true});
    cases.push_back({codec, {.layers = 2, .frames = 2, .tokens = 3, .width = 301}, 2, true});
  }
  return cases;
}

class KernelDecoding : public ::testing::TestWithParam<Case> {};

INSTANTIATE_TEST_SUITE_P(Codecs, KernelDecoding, ::testing::ValuesIn(all_cases()));

TEST_P(KernelDecoding, GivesWhatTheCodecGives) {
  const std::unique_ptr<Codec> codec = fitted(GetParam());
  const bool keeps_outliers = GetParam().codec == "int8" || codec->spec().is_layered();
  ASSERT_EQ(codec->spec().outliers > 0, GetParam().has_outliers && keeps_outliers);
  const torch::Tensor coded = coded_clips(*codec, GetParam());
  const torch::Tensor expected = decoded_one_by_one(*codec, coded);
  const torch::Tensor found = KernelDecoder(*codec, test_device()).decode(coded.to(test_device()));
  EXPECT_TRUE(found.transpose(0, 1).is_contiguous());
  if (codec->name() == "lowrank") {  // a sum in another order
    EXPECT_TRUE(torch::allclose(found.cpu(), expected, 1e-5, 1e-5));
  } else {
    EXPECT_TRUE(torch::equal(found.cpu(), expected));
  }
}

TEST_P(KernelDecoding, IsWhatADecoderOfItsDeviceDoes) {
  const std::unique_ptr<Codec> codec = fitted(GetParam());
  torch::Tensor coded = coded_clips(*codec, GetParam());
  if (test_device().is_cuda()) coded = coded.pin_memory();
  FeatureDecoder decoder(*codec, test_device(), torch::kFloat32);
  const torch::Tensor first = decoder.decode(coded);
  EXPECT_EQ(first.device().type(), test_device().type());
  const torch::Tensor second = decoder.decode(coded.slice(0, 0, 1));
  const torch::Tensor expected = decoded_one_by_one(*codec, coded);
  EXPECT_TRUE(torch::allclose(first.cpu(), expected, 1e-5, 1e-5));
  EXPECT_TRUE(torch::allclose(second.cpu(), expected.slice(0, 0, 1), 1e-5, 1e-5));
}

}  // namespace
}  // namespace permafrost::data
