#include "data/loader/cached_clips.h"

#include <algorithm>

#include "core/base/error.h"
#include "data/dataset/label_match.h"
#include "data/dataset/mirrored_label.h"
#include "data/loader/epoch_order.h"

namespace permafrost::data {

Targets::Targets(const std::vector<std::string>& names, const LabelMap& labels) : names_(names), labels_(labels) {
  for (const std::string& name : names) {
    targets_.push_back(class_of(name, labels).value_or(-1));
    mirrored_.push_back(class_of(mirrored_label(name), labels).value_or(-1));
  }
}

int64_t Targets::of(int64_t label, bool is_flipped) const {
  const int64_t target = (is_flipped ? mirrored_ : targets_).at(label);
  if (target >= 0) return target;
  return require_class(is_flipped ? mirrored_label(names_[label]) : names_[label], labels_);  // throws
}

CachedClips::CachedClips(const CacheReader& cache, const std::string& split, ViewPolicy policy)
    : CachedClips(cache, split, policy, LabelMap(cache.labels())) {}

CachedClips::CachedClips(const CacheReader& cache, const std::string& split, ViewPolicy policy, const LabelMap& labels)
    : cache_(cache), policy_(policy), views_(views_of(cache.key(), split)), targets_(cache.labels(), labels) {
  const std::vector<IndexedVideo>& all = cache.videos();
  for (int64_t i = 0; i < cache.size(); ++i) {
    if (all[i].split != split) continue;
    videos_.push_back(i);
    targets_.of(all[i].label, false);
    if (all[i].views == views_) continue;
    throw core::DataError(cache.directory() + ": video " + all[i].id + " has " + std::to_string(all[i].views) +
                          " views, expected " + std::to_string(views_) + ": run cache build into an empty folder");
  }
  if (videos_.empty()) {
    throw core::DataError(cache.directory() + ": no video of the split '" + split +
                          "': name another split, or build the cache from a manifest that has it");
  }
  std::sort(videos_.begin(), videos_.end(), [&](int64_t a, int64_t b) { return all[a].id < all[b].id; });
  for (size_t i = 1; i < videos_.size(); ++i) {
    if (all[videos_[i]].id != all[videos_[i - 1]].id) continue;
    throw core::DataError(cache.directory() + ": video " + all[videos_[i]].id + " is there twice");
  }
}

std::vector<int64_t> CachedClips::pixel_shape() const {
  return {cache_.key().frames, 3, cache_.key().image_size, cache_.key().image_size};
}

const IndexedVideo& CachedClips::video(int64_t sample) const {
  PERMAFROST_CHECK(sample >= 0 && sample < size(), "no sample " + std::to_string(sample));
  return cache_.videos()[videos_[policy_ == ViewPolicy::kEvery ? sample / views_ : sample]];
}

int64_t CachedClips::view(int64_t sample, int64_t epoch) const {
  return policy_ == ViewPolicy::kEvery ? sample % views_ : view_of_epoch(video(sample).id, epoch, views_);
}

ClipInfo CachedClips::read_into(int64_t sample, int64_t epoch, uint8_t* pixels, uint8_t* coded) const {
  const IndexedVideo& video = this->video(sample);
  const int64_t view = this->view(sample, epoch);
  const bool is_flipped = cache_.read_into(&video - cache_.videos().data(), view, pixels, coded);
  return {.target = targets_.of(video.label, is_flipped), .video_id = video.id, .view = view};
}

}  // namespace permafrost::data
