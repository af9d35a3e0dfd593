#include "data/loader/online_clips.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "core/base/file.h"
#include "core/dist/classifier.h"
#include "core/encoder/frozen_encoder.h"
#include "data/cache/cache_builder.h"
#include "data/cache/change_cache.h"
#include "data/dataset/scan.h"
#include "tests/data/cache/make_cache.h"
#include "tests/data/video/video_files.h"

namespace permafrost::data {
namespace {

using ::testing::HasSubstr;
using namespace permafrost::testing;
using Layers = std::vector<int64_t>;

constexpr int64_t kVideos = 10, kViews = 2;
// Of what is computed twice in float32.
constexpr double kArithmetic = 1e-5;
// How many times the codec's own error a frozen block, or the whole network, may make of it: they are no contractions.
constexpr double kBlockGrowth = 2, kNetworkGrowth = 2;
// A layer from another place, or another clip, is at least this many bounds away, or the test would prove nothing.
constexpr double kTellingDistance = 3;

double distance(const torch::Tensor& found, const torch::Tensor& expected) {
  return (found - expected).norm().item<double>() / expected.norm().item<double>();
}

// Ten videos that look different, seven to train on and three to evaluate on, and an encoder of four layers.
class MixedClips : public ::testing::TestWithParam<std::string> {
 protected:
  MixedClips() {
    manifest_.root = directory_.path();
    manifest_.labels = LabelMap({"turning left", "turning right"});
    for (int64_t i = 0; i < kVideos; ++i) {
      const std::string id = "video-" + std::to_string(i), turn = std::to_string(i);
      make_video(directory_ / (id + ".mp4"), "-c:v libx264 -preset veryfast -pix_fmt yuv420p",
                 "testsrc2=size=96x64:rate=25:duration=1,rotate=" + turn + "*PI/5,hue=h=36*" + turn);
      const ListedVideo listed{.id = id,
                               .path = id + ".mp4",
                               .label = manifest_.labels.names()[i % 2],
                               .split = i % 3 == 2 ? "val" : "train"};
      manifest_.entries.push_back(scan_video(directory_.path(), listed));
    }
    core::DistConfig network{.frames = 4, .image_size = 64, .layers = 4, .width = 64, .embedding = 32};
    network.integration_dim = 64;
    network.temporal_dim = 8;
    network.pooling_layers = 1;
    classifier_ = core::Classifier(network, core::HeadConfig{.kind = core::HeadKind::kLinear, .classes = 2});
    core::initialise(*classifier_, 3);
  }

  CacheKey key_of(const Layers& layers, const std::string& codec) const {
    const core::VisionConfig& vision = encoder_.config();
    return {.encoder_sha256 = encoder_.sha256(),
            .image_size = vision.image_size,
            .patch_size = vision.patch_size,
            .width = vision.width,
            .layers_total = vision.layers,
            .selected_layers = layers,
            .codec = {.name = codec},
            .frames = 4,
            .alpha = 2,
            .resize = "bilinear",
            .train_views = kViews,
            .eval_views = kViews,
            .augment = "paper"};
  }
  ClipBuilder whole_builder() { return {encoder_, key_of(all_, "f32")}; }

  // A cache of all videos with these layers alone.
  std::string build(const Layers& layers) {
    const std::string out = directory_ / ("cache-" + std::to_string(caches_++));
    core::make_directories(out);
    CacheKey key = key_of(layers, GetParam());
    CodecFitter fitter(GetParam(), key.feature_shape());
    const ClipBuilder sampled(encoder_, key);
    for (const ManifestEntry& entry : manifest_.entries) {
      fitter.add(sampled.build_one(manifest_.root, entry, 0).features);
    }
    const FittedCodec fitted = fitter.finish();
    CacheIndex index{.key = key, .labels = manifest_.labels.names()};
    index.key.codec = fitted.spec;
    if (!fitted.tables.is_empty()) {
      write_codec_tables(out, fitted.tables);
      index.codec_tables = summarize_tables(out);
    }
    const CacheBuilder builder(ClipBuilder(encoder_, index.key), open_codec(out, index.key), manifest_.root, out,
                               cut_units(usable_entries(manifest_), 4), {});
    for (int64_t unit = 0; unit < builder.units(); ++unit) index.shards.push_back(builder.build_unit(unit));
    write_index(out, index);
    return out;
  }

  torch::Tensor logits(const Clip& clip) {
    const c10::InferenceMode inference;
    return classifier_->forward(clip.pixels.unsqueeze(0), clip.features.unsqueeze(1))[0];  // [1, K]
  }

  void expect_exact(const Clip& mixed, const Clip& exact) {
    EXPECT_TRUE(torch::equal(mixed.features, exact.features)) << exact.video_id;
    EXPECT_TRUE(torch::equal(logits(mixed), logits(exact))) << exact.video_id;
  }
  void expect_near(const CacheReader& cache, const Clip& mixed, const Clip& exact, const Clip& other);
  void expect_same_clips(const std::string& cache, const std::string& split, const std::set<std::string>& absent);

  const Layers all_{0, 1, 2, 3};
  TemporaryDirectory directory_;
  Manifest manifest_;
  core::FrozenEncoder encoder_{std::string(PERMAFROST_GOLDEN) + "/clip_vision_quick_gelu"};
  core::Classifier classifier_{nullptr};
  int64_t caches_ = 0;
};

// A clip of which the cache has some layers: those as the codec gives them back, the others as near as that lets them
// be. `other` is another clip's.
void MixedClips::expect_near(const CacheReader& cache, const Clip& mixed, const Clip& exact, const Clip& other) {
  const Layers& known = cache.key().selected_layers;
  const torch::Tensor stored = exact.features.index_select(0, torch::tensor(known, torch::kInt64));
  const torch::Tensor decoded = cache.codec().decode(cache.codec().encode(stored, exact.video_id));
  double error = 0;  // of the known layer that the present one is, or is computed from
  for (const int64_t layer : all_) {
    const auto at = std::find(known.begin(), known.end(), layer);
    const bool is_known = at != known.end();
    if (is_known) {
      const torch::Tensor given_back = decoded[at - known.begin()];
      error = distance(given_back, exact.features[layer]);
      EXPECT_TRUE(torch::equal(mixed.features[layer], given_back)) << exact.video_id << ", layer " << layer;
    }
    const double bound = kBlockGrowth * error + kArithmetic;
    EXPECT_LE(distance(mixed.features[layer], exact.features[layer]), bound) << exact.video_id << ", layer " << layer;
    EXPECT_GT(distance(other.features[layer], exact.features[layer]), kTellingDistance * bound);
    for (const int64_t wrong : all_) {
      if (wrong == layer) continue;
      EXPECT_GT(distance(exact.features[wrong], exact.features[layer]), kTellingDistance * bound) << wrong;
    }
  }
  const double bound = kNetworkGrowth * distance(decoded, stored) + kArithmetic;
  EXPECT_LE(distance(logits(mixed), logits(exact)), bound) << exact.video_id;
  Clip turned = exact;
  turned.features = exact.features.roll(1, 0);
  EXPECT_GT(distance(logits(turned), logits(exact)), kTellingDistance * bound) << "layers in each other's places";
}

// Every sample of the split, through the cache and without it.
void MixedClips::expect_same_clips(const std::string& directory, const std::string& split,
                                   const std::set<std::string>& absent) {
  const ClipBuilder builder = whole_builder();
  const CacheReader cache(directory);
  const OnlineClips mixed(builder, manifest_, split, ViewPolicy::kEvery, manifest_.labels, &cache);
  const OnlineClips online(builder, manifest_, split, ViewPolicy::kEvery, manifest_.labels);
  ASSERT_EQ(mixed.size(), online.size());
  int64_t cached = 0;
  for (int64_t sample = 0; sample < mixed.size(); ++sample) {
    const Clip found = mixed.read(sample, 0), exact = online.read(sample, 0);
    EXPECT_EQ(found.video_id, exact.video_id);
    EXPECT_EQ(found.view, exact.view);
    EXPECT_EQ(found.target, exact.target);
    EXPECT_TRUE(torch::equal(found.pixels, exact.pixels)) << exact.video_id;
    EXPECT_EQ(mixed.shard_of(sample, 0) < 0, absent.contains(exact.video_id)) << exact.video_id;
    if (absent.contains(exact.video_id)) {
      expect_exact(found, exact);
    } else {
      expect_near(cache, found, exact, online.read((sample + kViews) % online.size(), 0));
      ++cached;
    }
  }
  EXPECT_EQ(mixed.cached_clips(), cached);
}

TEST_P(MixedClips, AreThoseOfTheVideosWhereTheCacheIsWhole) {
  const std::string cache = build(all_);
  for (const char* split : {"train", "val"}) expect_same_clips(cache, split, {});
}

TEST_P(MixedClips, AreThoseOfTheVideosWhereHalfOfTheLayersAndThreeInTenVideosAreMissing) {
  const std::set<std::string> absent{"video-0", "video-5", "video-7"};
  for (const Layers& layers : {Layers{0, 2}, Layers{1, 3}, Layers{2, 3}}) {
    const std::string cache = build(layers);
    remove_videos(cache, absent);
    for (const char* split : {"train", "val"}) expect_same_clips(cache, split, absent);
  }
}

INSTANTIATE_TEST_SUITE_P(Codecs, MixedClips, ::testing::Values("f32", "f16", "int8"),
                         [](const auto& info) { return info.param; });

class OnlineClipsTest : public MixedClips {};

TEST_P(OnlineClipsTest, RefusesACacheThatWasMadeOfAnotherFile) {
  const std::string directory = build(all_);
  const ClipBuilder builder = whole_builder();
  const CacheReader cache(directory);
  manifest_.entries[0].crc32c ^= 1;
  const OnlineClips mixed(builder, manifest_, "train", ViewPolicy::kEvery, manifest_.labels, &cache);
  EXPECT_THAT(message_of<core::DataError>([&] { mixed.read(0, 0); }), HasSubstr("video-0 is another file"));
}

TEST_P(OnlineClipsTest, TrainsOnTheCachedViewsInTurnAndOnFurtherOnesThatAreComputed) {
  const std::string directory = build(all_);
  const CacheReader cache(directory);
  CacheKey key = key_of(all_, "f32");
  key.train_views = kViews + 1;
  const ClipBuilder builder(encoder_, key);
  const OnlineClips mixed(builder, manifest_, "train", ViewPolicy::kOnePerEpoch, manifest_.labels, &cache);
  for (int64_t sample = 0; sample < mixed.size(); ++sample) {
    std::set<int64_t> views;
    for (int64_t epoch = 0; epoch <= kViews; ++epoch) {
      const Clip clip = mixed.read(sample, epoch);
      views.insert(clip.view);
      const auto entry = std::find_if(manifest_.entries.begin(), manifest_.entries.end(),
                                      [&](const ManifestEntry& e) { return e.id == clip.video_id; });
      EXPECT_LE(distance(clip.features, builder.build_one(manifest_.root, *entry, clip.view).features), kArithmetic);
      EXPECT_EQ(mixed.shard_of(sample, epoch) < 0, clip.view == kViews);
    }
    EXPECT_EQ(views.size(), kViews + 1U);
  }
}

INSTANTIATE_TEST_SUITE_P(Codecs, OnlineClipsTest, ::testing::Values("f32"));

}  // namespace
}  // namespace permafrost::data
