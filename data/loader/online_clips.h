// One split of a manifest as a source of clips: what a cache holds is read from it, what it does not hold is decoded
// and encoded when asked for.
//
//   OnlineClips val(builder, manifest, "val", ViewPolicy::kEvery, labels);          // no cache: every time paid
//   OnlineClips train(builder, manifest, "train", policy, labels, &cache);          // a cache of some layers and
//   videos
//
// The builder's key says what a clip is: its layers, frames and views. Of a cache may be missing: videos, views, and
// layers, which are computed from the nearest cached layer before them, or from the record's own frames. Samples are in
// the order of video ids, then views, as those of CachedClips. Features are handed out as f32.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "data/cache/cache_reader.h"
#include "data/cache/clip_builder.h"
#include "data/loader/cached_clips.h"
#include "data/loader/clip_source.h"

namespace permafrost::data {

class OnlineClips : public ClipSource {
 public:
  // `builder`, `manifest` and `cache` must outlive it. Targets are places in `labels`. Throws DataError where the split
  // is empty, a video's label is not among `labels`, or the cache is of another encoder, frames or augmentation.
  OnlineClips(const ClipBuilder& builder, const Manifest& manifest, const std::string& split, ViewPolicy policy,
              const LabelMap& labels, const CacheReader* cache = nullptr);

  int64_t size() const override { return policy_ == ViewPolicy::kEvery ? videos() * views_ : videos(); }
  const Codec& codec() const override { return *codec_; }
  std::vector<int64_t> pixel_shape() const override;
  ClipInfo read_into(int64_t sample, int64_t epoch, uint8_t* pixels, uint8_t* coded) const override;
  int64_t shard_of(int64_t sample, int64_t epoch) const override;

  int64_t videos() const { return static_cast<int64_t>(entries_.size()); }
  int64_t views() const { return views_; }
  // Clips of one epoch that the cache has, with all layers or some.
  int64_t cached_clips() const;

 private:
  int64_t view_of(const ManifestEntry& entry, int64_t sample, int64_t epoch) const;
  // Place in cache_->videos() of a view that is there; -1 where it is not.
  int64_t cached_place(const ManifestEntry& entry, int64_t view) const;
  // Fills the clip from the cache; false where it is not there.
  bool read_cached(const ManifestEntry& entry, int64_t view, ClipRecord& record) const;

  const ClipBuilder& builder_;
  const Manifest& manifest_;
  ViewPolicy policy_;
  int64_t views_;
  Targets targets_;
  const CacheReader* cache_;
  std::unique_ptr<Codec> codec_;
  std::vector<const ManifestEntry*> entries_;
  std::map<std::string, int64_t> cached_;  // id -> place in cache_->videos()
};

}  // namespace permafrost::data
