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

enum class ViewPolicy { kOnePerEpoch, kEvery };

class CachedClips : public ClipSource {
 public:
  // Targets are places in the cache's own label map. `cache` must outlive it. Throws DataError where the split is
  // empty, or where a video lacks a view or has one twice.
  CachedClips(const CacheReader& cache, const std::string& split, ViewPolicy policy);
  // Targets are places in `labels`, found by name. Throws DataError naming a label of the split that is not there.
  CachedClips(const CacheReader& cache, const std::string& split, ViewPolicy policy, const LabelMap& labels);

  int64_t size() const override;
  Clip read(int64_t sample, int64_t epoch) const override;

  int64_t videos() const { return static_cast<int64_t>(records_.size()) / views_; }
  int64_t views() const { return views_; }
  // The record that a sample shows in an epoch.
  const RecordInfo& record(int64_t sample, int64_t epoch) const;

 private:
  [[noreturn]] void refuse_views(const std::string& video_id) const;
  int64_t index(int64_t sample, int64_t epoch) const;

  const CacheReader& cache_;
  ViewPolicy policy_;
  int64_t views_;
  std::vector<int64_t> targets_;  // by the cache's own label index; -1 where the split has no such label
  std::vector<int64_t> records_;  // [videos, views], indices into cache_.records()
};

}  // namespace permafrost::data
