// One split of a cache as a source of clips.
//
//   CacheReader cache("runs/a/cache");
//   CachedClips train(cache, "train", ViewPolicy::kOnePerEpoch);   // a sample is a video
//   CachedClips val(cache, "val", ViewPolicy::kEvery);             // a sample is a view of a video
//
// Samples are in the order of video ids, then views: a function of what is cached, not of how it was sharded.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/cache/cache_reader.h"
#include "data/dataset/label_map.h"
#include "data/loader/clip_source.h"

namespace permafrost::data {

// Training shows each video once an epoch: one of its views in turn, or, of videos themselves, one never seen before.
enum class ViewPolicy { kOnePerEpoch, kFreshEveryEpoch, kEvery };

// What a label of a clip's video means as a target: its place in a label map, of the mirror image where it is flipped.
class Targets {
 public:
  // `names`: the labels of the videos. Those that `labels` has no class for are an error only when they are used.
  Targets(const std::vector<std::string>& names, const LabelMap& labels);
  // Throws DataError naming a label that has no class.
  int64_t of(int64_t label, bool is_flipped) const;

 private:
  std::vector<std::string> names_;
  LabelMap labels_;
  std::vector<int64_t> targets_, mirrored_;  // -1 where there is none
};

class CachedClips : public ClipSource {
 public:
  // Targets are places in the cache's own label map. `cache` must outlive it. Throws DataError where the split is
  // empty, or where a video lacks a view or is there twice.
  CachedClips(const CacheReader& cache, const std::string& split, ViewPolicy policy);
  // Targets are places in `labels`, found by name. Throws DataError naming a label of the split that is not there.
  CachedClips(const CacheReader& cache, const std::string& split, ViewPolicy policy, const LabelMap& labels);

  int64_t size() const override { return policy_ == ViewPolicy::kEvery ? videos() * views_ : videos(); }
  const Codec& codec() const override { return cache_.codec(); }
  std::vector<int64_t> pixel_shape() const override;
  ClipInfo read_into(int64_t sample, int64_t epoch, uint8_t* pixels, uint8_t* coded) const override;
  int64_t shard_of(int64_t sample, int64_t /*epoch*/) const override { return video(sample).shard; }

  int64_t videos() const { return static_cast<int64_t>(videos_.size()); }
  int64_t views() const { return views_; }
  // Which view of which of the cache's videos a sample shows in an epoch.
  const IndexedVideo& video(int64_t sample) const;
  int64_t view(int64_t sample, int64_t epoch) const;

 private:
  const CacheReader& cache_;
  ViewPolicy policy_;
  int64_t views_;
  Targets targets_;
  std::vector<int64_t> videos_;  // places in cache_.videos()
};

}  // namespace permafrost::data
