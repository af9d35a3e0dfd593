// The settings that decide the bytes of a cache (FORMAT.md, "Key").
//
//   CacheKey key{.encoder_sha256 = encoder.sha256(), .image_size = 224, ...};
//   require_equal(key, read_index(dir).key, dir);   // DataError naming every field that differs
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "data/cache/codec_spec.h"
#include "data/video/augment.h"

namespace permafrost::data {

inline constexpr int64_t kCacheFormatVersion = 4;

struct CacheKey {
  int64_t format_version = kCacheFormatVersion;
  std::string encoder_sha256{};
  std::string encoder_dtype = "fp32";  // in which the encoder ran: fp32, bf16 or fp16
  int64_t image_size = 0;              // S, of the encoder's frames and of the stored pixels
  int64_t patch_size = 0;
  int64_t width = 0;                       // C
  int64_t layers_total = 0;                // of the encoder
  std::vector<int64_t> selected_layers{};  // ascending, from 0
  std::string tokens = "full";             // pool2: the patch tokens averaged two by two
  CodecSpec codec{};
  int64_t frames = 0;    // F
  int64_t alpha = 2;     // t = F / alpha
  std::string resize{};  // the name of the resize mode
  int64_t train_views = 1;
  int64_t eval_views = 1;         // in time
  int64_t eval_crops = 1;         // of each of them: 1 centre, or 3
  std::string augment = "none";   // of the training views: none or paper
  AugmentOptions augmentation{};  // where augment is paper; as they are by default otherwise
  uint64_t seed = 0;
  std::string frame_order = "natural";  // natural or shuffled

  FeatureShape feature_shape() const;
  // Side of the square of pixels that a patch token stands for: patch_size, or twice that where tokens are pooled.
  int64_t token_size() const;
  // The text that is hashed: JSON without white space, names sorted.
  std::string canonical_json() const;
  // SHA-256 of it, 64 hexadecimal digits.
  std::string hash() const;
  // Throws ConfigError naming the field that no cache can have ("frames 15 is no multiple of alpha 2").
  void validate() const;

  bool operator==(const CacheKey&) const = default;
};

// Stored clips of a video: K for the training split, V times the crops for the others.
int64_t views_of(const CacheKey& key, const std::string& split);

nlohmann::json to_json(const CacheKey& key);
// `where` opens every message. Throws DataError on a missing, unknown or impossible field.
CacheKey cache_key_from_json(const nlohmann::json& json, const std::string& where);

// Throws DataError that names each differing field with both values, and what to do.
void require_equal(const CacheKey& expected, const CacheKey& found, const std::string& where);

}  // namespace permafrost::data
