#include "data/cache/cache_key.h"

#include <string_view>

#include "core/base/checksum.h"
#include "core/base/error.h"

namespace permafrost::data {
namespace {

// No geometry in use comes near; the product of all of them stays within a file's reach.
constexpr int64_t kLargest = int64_t{1} << 20;

template <class Key, class Visit>
void visit_fields(Key& key, const Visit& visit) {
  visit("format_version", key.format_version);
  visit("encoder_sha256", key.encoder_sha256);
  visit("encoder_dtype", key.encoder_dtype);
  visit("image_size", key.image_size);
  visit("patch_size", key.patch_size);
  visit("width", key.width);
  visit("layers_total", key.layers_total);
  visit("selected_layers", key.selected_layers);
  visit("tokens", key.tokens);
  visit("codec", key.codec.name);
  visit("codec_outliers", key.codec.outliers);
  visit("codec_components_8", key.codec.components_8);
  visit("codec_components_4", key.codec.components_4);
  visit("codec_tables_sha256", key.codec.tables_sha256);
  visit("frames", key.frames);
  visit("alpha", key.alpha);
  visit("resize", key.resize);
  visit("train_views", key.train_views);
  visit("eval_views", key.eval_views);
  visit("eval_crops", key.eval_crops);
  visit("augment", key.augment);
  visit("crop_scale_min", key.augmentation.crop.scale_low);
  visit("crop_scale_max", key.augmentation.crop.scale_high);
  visit("crop_ratio_min", key.augmentation.crop.ratio_low);
  visit("crop_ratio_max", key.augmentation.crop.ratio_high);
  visit("flip", key.augmentation.flip);
  visit("grayscale", key.augmentation.grayscale);
  visit("jitter", key.augmentation.jitter);
  visit("seed", key.seed);
  visit("frame_order", key.frame_order);
}

bool is_integer(const nlohmann::json& json, bool may_be_negative) {
  return may_be_negative ? json.is_number_integer() : json.is_number_unsigned();
}

bool assign(const nlohmann::json& json, std::string& value) {
  return json.is_string() && (value = json.get<std::string>(), true);
}

bool assign(const nlohmann::json& json, int64_t& value) {
  if (!is_integer(json, true) || (json.is_number_unsigned() && json.get<uint64_t>() > INT64_MAX)) return false;
  value = json.get<int64_t>();
  return true;
}

bool assign(const nlohmann::json& json, uint64_t& value) {
  return is_integer(json, false) && (value = json.get<uint64_t>(), true);
}

bool assign(const nlohmann::json& json, double& value) {
  return json.is_number() && (value = json.get<double>(), true);
}

bool assign(const nlohmann::json& json, std::vector<int64_t>& value) {
  if (!json.is_array()) return false;
  value.assign(json.size(), 0);
  for (size_t i = 0; i < value.size(); ++i) {
    if (!assign(json[i], value[i])) return false;
  }
  return true;
}

void require(bool holds, const std::string& complaint) {
  if (!holds) throw core::ConfigError("cache key: " + complaint);
}

void require_range(const char* name, int64_t value) {
  require(value >= 1 && value <= kLargest,
          std::string(name) + " is " + std::to_string(value) + ", expected 1 to " + std::to_string(kLargest));
}

void require_multiple(const char* name, int64_t value, const char* divisor_name, int64_t divisor) {
  require(value % divisor == 0, std::string(name) + " " + std::to_string(value) + " is no multiple of " + divisor_name +
                                    " " + std::to_string(divisor));
}

void require_layers(const CacheKey& key) {
  require(!key.selected_layers.empty(), "selected_layers is empty, expected at least one layer");
  int64_t previous = -1;
  for (const int64_t layer : key.selected_layers) {
    require(layer > previous && layer < key.layers_total,
            "selected_layers holds " + std::to_string(layer) + " after " + std::to_string(previous) +
                ", expected ascending numbers below layers_total " + std::to_string(key.layers_total));
    previous = layer;
  }
}

// Shapes follow from these: they must be those that CodecFitter can give.
void require_codec(const CacheKey& key) {
  const CodecSpec& codec = key.codec;
  require(codec.is_fitted() || codec == CodecSpec{.name = codec.name},
          "codec " + codec.name + " has no outliers, components or tables");
  const auto within = [&](const char* name, int64_t value) {
    require(value >= 0 && value <= key.width,
            std::string(name) + " is " + std::to_string(value) + ", expected 0 to width");
  };
  within("codec_outliers", codec.outliers);
  within("codec_components_8", codec.components_8);
  within("codec_components_4", codec.components_4);
  require(codec.components_4 % 2 == 0, "codec_components_4 is odd");
  require(codec.is_layered() || codec.components_8 + codec.components_4 == 0,
          "codec " + codec.name + " has components");
  require(codec.components_8 + codec.components_4 <= key.width, "codec has more components than channels");
}

void require_augmentation(const CacheKey& key) {
  require(key.augment == "none" || key.augment == "paper", "augment is '" + key.augment + "', expected none or paper");
  require(key.augment != "none" || key.augmentation == AugmentOptions{},
          "augment is none and yet crop, flip, grayscale or jitter differ from their defaults");
  require_sound(key.augmentation);
}

}  // namespace

FeatureShape CacheKey::feature_shape() const {
  const int64_t grid = image_size / token_size();
  return {.layers = static_cast<int64_t>(selected_layers.size()),
          .frames = frames / alpha,
          .tokens = grid * grid + 1,
          .width = width};
}

int64_t CacheKey::token_size() const { return tokens == "pool2" ? 2 * patch_size : patch_size; }

std::string CacheKey::canonical_json() const { return to_json(*this).dump(); }

std::string CacheKey::hash() const { return core::sha256_hex(canonical_json()); }

void CacheKey::validate() const {
  require(format_version == kCacheFormatVersion, "format_version is " + std::to_string(format_version) +
                                                     ", this program knows " + std::to_string(kCacheFormatVersion));
  require_range("image_size", image_size);
  require_range("patch_size", patch_size);
  require_range("width", width);
  require_range("layers_total", layers_total);
  require_range("frames", frames);
  require_range("alpha", alpha);
  require_range("train_views", train_views);
  require_range("eval_views", eval_views);
  require_multiple("frames", frames, "alpha", alpha);
  require(tokens == "full" || tokens == "pool2", "tokens is '" + tokens + "', expected full or pool2");
  require_multiple("image_size", image_size, tokens == "pool2" ? "twice patch_size, as pooling needs," : "patch_size",
                   token_size());
  require_layers(*this);
  require_codec(*this);
  require(encoder_dtype == "fp32" || encoder_dtype == "bf16" || encoder_dtype == "fp16",
          "encoder_dtype is '" + encoder_dtype + "', expected fp32, bf16 or fp16");
  require(eval_crops == 1 || eval_crops == 3, "eval_crops is " + std::to_string(eval_crops) + ", expected 1 or 3");
  require_augmentation(*this);
  require(frame_order == "natural" || frame_order == "shuffled",
          "frame_order is '" + frame_order + "', expected natural or shuffled");
}

int64_t views_of(const CacheKey& key, const std::string& split) {
  return split == "train" ? key.train_views : key.eval_views * key.eval_crops;
}

nlohmann::json to_json(const CacheKey& key) {
  nlohmann::json json = nlohmann::json::object();
  visit_fields(key, [&](const char* name, const auto& value) { json[name] = value; });
  return json;
}

CacheKey cache_key_from_json(const nlohmann::json& json, const std::string& where) {
  if (!json.is_object()) throw core::DataError(where + ": the cache key is no JSON object: build the cache again");
  CacheKey key;
  size_t known = 0;
  visit_fields(key, [&](const char* name, auto& value) {
    const auto found = json.find(name);
    if (found == json.end()) throw core::DataError(where + ": cache key without '" + name + "': build the cache again");
    if (!assign(*found, value)) {
      throw core::DataError(where + ": cache key: '" + name + "' is " + found->dump() + ", which is of another type");
    }
    ++known;
    if (std::string_view(name) == "format_version" && key.format_version != kCacheFormatVersion) {
      throw core::DataError(where + ": cache format version " + std::to_string(key.format_version) + ", expected " +
                            std::to_string(kCacheFormatVersion) + ": build the cache again with this program");
    }
  });
  if (json.size() != known) throw core::DataError(where + ": cache key with unknown fields: another version wrote it");
  try {
    key.validate();
  } catch (const core::ConfigError& error) {
    throw core::DataError(where + ": " + error.what());
  }
  return key;
}

void require_equal(const CacheKey& expected, const CacheKey& found, const std::string& where) {
  const nlohmann::json expected_json = to_json(expected);
  const nlohmann::json found_json = to_json(found);
  std::string differences;
  visit_fields(expected, [&](const char* name, const auto&) {
    if (expected_json[name] == found_json[name]) return;
    differences += std::string(differences.empty() ? "" : "; ") + name + ": expected " + expected_json[name].dump() +
                   ", found " + found_json[name].dump();
  });
  if (differences.empty()) return;
  throw core::DataError(where + ": made with other settings: " + differences +
                        ": use the config, encoder and manifest it was made with, or build into another folder");
}

}  // namespace permafrost::data
