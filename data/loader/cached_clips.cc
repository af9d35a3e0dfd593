#include "data/loader/cached_clips.h"

#include <algorithm>
#include <tuple>

#include "core/base/error.h"
#include "data/dataset/label_match.h"
#include "data/loader/epoch_order.h"

namespace permafrost::data {

CachedClips::CachedClips(const CacheReader& cache, const std::string& split, ViewPolicy policy)
    : CachedClips(cache, split, policy, LabelMap(cache.labels())) {}

CachedClips::CachedClips(const CacheReader& cache, const std::string& split, ViewPolicy policy, const LabelMap& labels)
    : cache_(cache), policy_(policy), targets_(cache.labels().size(), -1) {
  views_ = views_of(cache.key(), split);
  const std::vector<RecordInfo>& all = cache.records();
  for (int64_t i = 0; i < cache.size(); ++i) {
    if (all[i].split != split) continue;
    records_.push_back(i);
    int64_t& target = targets_[all[i].label_index];
    if (target < 0) target = require_class(cache.labels()[all[i].label_index], labels);
  }
  if (records_.empty()) {
    throw core::DataError(cache.directory() + ": no video of the split '" + split +
                          "': name another split, or build the cache from a manifest that has it");
  }
  std::sort(records_.begin(), records_.end(), [&](int64_t a, int64_t b) {
    return std::tie(all[a].video_id, all[a].view) < std::tie(all[b].video_id, all[b].view);
  });
  for (size_t place = 0; place < records_.size(); ++place) {
    const RecordInfo& found = all[records_[place]];
    const int64_t expected_view = static_cast<int64_t>(place) % views_;
    const RecordInfo& first = all[records_[place - expected_view]];
    if (found.view != expected_view || found.video_id != first.video_id) refuse_views(first.video_id);
  }
  if (records_.size() % views_ != 0) refuse_views(all[records_.back()].video_id);
}

void CachedClips::refuse_views(const std::string& video_id) const {
  throw core::DataError(cache_.directory() + ": video " + video_id + " has not each of its " + std::to_string(views_) +
                        " views once: run cache build into an empty folder");
}

int64_t CachedClips::size() const { return policy_ == ViewPolicy::kEvery ? videos() * views_ : videos(); }

int64_t CachedClips::index(int64_t sample, int64_t epoch) const {
  PERMAFROST_CHECK(sample >= 0 && sample < size(), "no sample " + std::to_string(sample));
  if (policy_ == ViewPolicy::kEvery) return records_[sample];
  const std::string& video_id = cache_.records()[records_[sample * views_]].video_id;
  return records_[sample * views_ + view_of_epoch(video_id, epoch, views_)];
}

const RecordInfo& CachedClips::record(int64_t sample, int64_t epoch) const {
  return cache_.records()[index(sample, epoch)];
}

Clip CachedClips::read(int64_t sample, int64_t epoch) const {
  const int64_t i = index(sample, epoch);
  ClipRecord record = cache_.read(i);
  return {.pixels = std::move(record.pixels),
          .features = std::move(record.features),
          .target = targets_[cache_.records()[i].label_index],
          .video_id = std::move(record.video_id),
          .view = record.view};
}

}  // namespace permafrost::data
