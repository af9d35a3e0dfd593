// From a video file to the records of its views: decode, sample, crop, encode with the frozen ViT.
//
//   core::FrozenEncoder encoder("clip");
//   ClipBuilder builder(encoder, key);
//   std::vector<ClipRecord> records = builder.build(manifest.root, entry);
//
// The one way in which pixels become features: the cache, online evaluation and prediction all call it. The key says
// how; the result is a function of the key, the file and the entry alone, whichever thread or rank computes it.
#pragma once

#include <string>
#include <vector>

#include "core/encoder/frozen_encoder.h"
#include "data/cache/cache_key.h"
#include "data/cache/clip_record.h"
#include "data/dataset/manifest.h"
#include "data/video/decoder.h"

namespace permafrost::data {

// Frames first .. first+count-1 of a file: all, or the part between a list's start and end times.
struct FrameRange {
  int64_t first = 0;
  int64_t count = 0;
};

class ClipBuilder {
 public:
  // `encoder` must outlive it. Throws ConfigError where encoder and key do not belong together.
  // A child among the limits makes it one for a single thread.
  ClipBuilder(core::FrozenEncoder& encoder, CacheKey key, const DecodeLimits& limits = {});

  const CacheKey& key() const { return key_; }

  // All views of one video. Throws DataError or IoError where the file cannot be decoded. Thread-safe.
  std::vector<ClipRecord> build(const std::string& root, const ManifestEntry& entry) const;
  // One of them.
  ClipRecord build_one(const std::string& root, const ManifestEntry& entry, int64_t view) const;
  // The key's layers [N, t, L, C] of a clip of which the layers `known_layers` are there already: the others are
  // computed from them and from the frames. pixels uint8 [F, 3, S, S].
  torch::Tensor complete(const torch::Tensor& pixels, const torch::Tensor& known,
                         const std::vector<int64_t>& known_layers) const;

 private:
  std::vector<ClipRecord> build_views(const std::string& root, const ManifestEntry& entry, int64_t first_view,
                                      int64_t end_view) const;
  std::vector<int64_t> frames_of_view(const ManifestEntry& entry, const FrameRange& range, int64_t view) const;
  ClipRecord build_view(const ManifestEntry& entry, int64_t view, const DecodedFrames& decoded) const;
  // Pixels of training and of test, and what was done to get them.
  void augment_into(ClipRecord& record, const torch::Tensor& frames) const;
  void crop_into(ClipRecord& record, const torch::Tensor& frames) const;
  torch::Tensor encode(const torch::Tensor& pixels) const;
  // Of all layers [layers_total, t, 1 + g * g, C] what the key keeps: [N, t, L, C].
  torch::Tensor selected(torch::Tensor layers) const;

  core::FrozenEncoder& encoder_;
  CacheKey key_;
  DecodeLimits limits_;
};

// CRC32C over id, split, part, bytes, checksum and frames: whether a record is of the file that a manifest names.
uint32_t entry_checksum(const ManifestEntry& entry);

// SHA-256 over id, label, split, part, bytes, checksum and frames of every usable entry: what a cache depends on,
// wherever the files lie.
std::string manifest_identity(const Manifest& manifest);

}  // namespace permafrost::data
