#include "data/cache/cache_key.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "tests/data/cache/make_cache.h"

namespace permafrost::data {
namespace {

using ::testing::HasSubstr;
using testing::message_of;
using ::testing::Not;
using testing::small_key;

TEST(CacheKey, ComesBackFromItsJson) {
  const CacheKey key = small_key("int8");
  EXPECT_EQ(cache_key_from_json(to_json(key), "here"), key);
  EXPECT_EQ(cache_key_from_json(nlohmann::json::parse(key.canonical_json()), "here").hash(), key.hash());
}

TEST(CacheKey, LacksNoField) {
  const nlohmann::json json = to_json(small_key());
  for (const auto& [name, value] : json.items()) {
    nlohmann::json changed = json;
    changed.erase(name);
    EXPECT_THROW(cache_key_from_json(changed, "here"), core::DataError) << name;
  }
}

TEST(CacheKey, AnotherSettingIsAnotherHash) {
  const std::string hash = small_key().hash();
  CacheKey key = small_key();
  key.tokens = "pool2";
  EXPECT_NE(key.hash(), hash);
  key = small_key();
  key.seed = 8;
  EXPECT_NE(key.hash(), hash);
}

TEST(CacheKey, NamesEachDifferingFieldAndNoOther) {
  CacheKey found = small_key();
  found.codec.name = "int8";
  found.augment = "paper";
  found.augmentation.flip = 0.25;
  found.selected_layers = {3};
  found.encoder_sha256 = "ff";
  const std::string message = message_of<core::DataError>([&] { require_equal(small_key(), found, "runs/a/cache"); });
  EXPECT_THAT(message, HasSubstr("runs/a/cache: "));
  EXPECT_THAT(message, HasSubstr("encoder_sha256: expected \"e5\", found \"ff\""));
  EXPECT_THAT(message, HasSubstr("augment: expected \"none\", found \"paper\""));
  EXPECT_THAT(message, HasSubstr("flip: expected 0.5, found 0.25"));
  EXPECT_THAT(message, HasSubstr("codec: expected \"f16\", found \"int8\""));
  EXPECT_THAT(message, HasSubstr("selected_layers: expected [1,3], found [3]"));
  EXPECT_THAT(message, Not(HasSubstr("width")));
  EXPECT_EQ(message.find('\n'), std::string::npos);
  EXPECT_NO_THROW(require_equal(small_key(), small_key(), "x"));
}

TEST(CacheKey, RefusesWhatNoCacheCanHave) {
  const auto complaint = [](const std::function<void(CacheKey&)>& spoil) {
    CacheKey key = small_key();
    spoil(key);
    return message_of<core::ConfigError>([&] { key.validate(); });
  };
  EXPECT_THAT(complaint([](CacheKey& key) { key.frames = 5; }), HasSubstr("frames 5"));
  EXPECT_THAT(complaint([](CacheKey& key) { key.alpha = 0; }), HasSubstr("alpha"));
  EXPECT_THAT(complaint([](CacheKey& key) { key.patch_size = 5; }), HasSubstr("patch_size"));
  EXPECT_THAT(complaint([](CacheKey& key) { key.tokens = "pool3"; }), HasSubstr("'pool3'"));
  EXPECT_THAT(complaint([](CacheKey& key) { key.tokens = "pool2", key.image_size = 24; }), HasSubstr("pooling"));
  EXPECT_THAT(complaint([](CacheKey& key) { key.codec.outliers = 1; }), HasSubstr("f16 has no outliers"));
  EXPECT_THAT(complaint([](CacheKey& key) { key.codec = {.name = "int4", .components_4 = 3}; }), HasSubstr("odd"));
  EXPECT_THAT(complaint([](CacheKey& key) { key.codec = {.name = "lowrank", .components_8 = 24, .components_4 = 2}; }),
              HasSubstr("more components"));
  EXPECT_THAT(complaint([](CacheKey& key) { key.selected_layers = {1, 4}; }), HasSubstr("selected_layers"));
  EXPECT_THAT(complaint([](CacheKey& key) { key.selected_layers = {1, 1}; }), HasSubstr("selected_layers"));
  EXPECT_THAT(complaint([](CacheKey& key) { key.selected_layers = {}; }), HasSubstr("selected_layers"));
  EXPECT_THAT(complaint([](CacheKey& key) { key.width = int64_t{1} << 40; }), HasSubstr("width"));
  EXPECT_THAT(complaint([](CacheKey& key) { key.frame_order = "backwards"; }), HasSubstr("backwards"));
  EXPECT_THAT(complaint([](CacheKey& key) { key.eval_crops = 2; }), HasSubstr("eval_crops is 2"));
  EXPECT_THAT(complaint([](CacheKey& key) { key.augment = "heavily"; }), HasSubstr("heavily"));
  EXPECT_THAT(complaint([](CacheKey& key) { key.augmentation.flip = 0; }), HasSubstr("augment is none"));
  const auto paper = [](const std::function<void(AugmentOptions&)>& spoil) {
    CacheKey key = small_key();
    key.augment = "paper";
    spoil(key.augmentation);
    return message_of<core::ConfigError>([&] { key.validate(); });
  };
  EXPECT_EQ(paper([](AugmentOptions&) {}), "");
  EXPECT_THAT(paper([](AugmentOptions& o) { o.flip = 1.5; }), HasSubstr("flip is 1.5"));
  EXPECT_THAT(paper([](AugmentOptions& o) { o.crop.scale_low = 0; }), HasSubstr("crop_scale_min 0"));
  EXPECT_THAT(paper([](AugmentOptions& o) { o.crop.ratio_low = 2; }), HasSubstr("crop_ratio_min 2"));
  EXPECT_THAT(complaint([](CacheKey& key) { key.encoder_dtype = "int4"; }), HasSubstr("encoder_dtype is 'int4'"));
}

TEST(CacheKey, RefusesJsonOfAnotherKind) {
  nlohmann::json json = to_json(small_key());
  json["unheard_of"] = 1;
  EXPECT_THROW(cache_key_from_json(json, "here"), core::DataError);
  json = to_json(small_key());
  json["format_version"] = 1;
  EXPECT_THAT(message_of<core::DataError>([&] { cache_key_from_json(json, "here"); }),
              HasSubstr("version 1, expected 4"));
  for (const char* name : {"width", "seed", "codec", "selected_layers"}) {
    json = to_json(small_key());
    json[name] = 1.5;
    EXPECT_THAT(message_of<core::DataError>([&] { cache_key_from_json(json, "here"); }), HasSubstr(name));
  }
  EXPECT_THROW(cache_key_from_json(nlohmann::json::array(), "here"), core::DataError);
}

}  // namespace
}  // namespace permafrost::data
