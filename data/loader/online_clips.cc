#include "data/loader/online_clips.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cstring>

#include "core/base/error.h"
#include "data/dataset/label_match.h"
#include "data/loader/epoch_order.h"

namespace permafrost::data {
namespace {

// What a cache may lack or have in its own way, and still be of use.
void require_same_clips(const CacheReader& cache, const CacheKey& wanted) {
  CacheKey expected = wanted;
  expected.selected_layers = cache.key().selected_layers;
  expected.codec = cache.key().codec;
  expected.train_views = cache.key().train_views;
  require_equal(expected, cache.key(), cache.directory());
}

}  // namespace

OnlineClips::OnlineClips(const ClipBuilder& builder, const Manifest& manifest, const std::string& split,
                         ViewPolicy policy, const LabelMap& labels, const CacheReader* cache)
    : builder_(builder),
      manifest_(manifest),
      policy_(policy),
      views_(views_of(builder.key(), split)),
      targets_(manifest.labels.names(), labels),
      cache_(cache),
      codec_(make_codec({.name = "f32"}, builder.key().feature_shape())) {
  for (const ManifestEntry& entry : manifest.entries) {
    if (!entry.is_ok() || entry.split != split) continue;
    targets_.of(manifest.labels.index_of(entry.label), false);
    entries_.push_back(&entry);
  }
  if (entries_.empty()) throw core::DataError("the manifest has no usable video of the split '" + split + "'");
  std::sort(entries_.begin(), entries_.end(),
            [](const ManifestEntry* a, const ManifestEntry* b) { return a->id < b->id; });
  if (cache == nullptr) return;
  require_same_clips(*cache, builder.key());
  for (int64_t i = 0; i < cache->size(); ++i) cached_.emplace(cache->videos()[i].id, i);
}

std::vector<int64_t> OnlineClips::pixel_shape() const {
  return {builder_.key().frames, 3, builder_.key().image_size, builder_.key().image_size};
}

int64_t OnlineClips::cached_clips() const {
  int64_t count = 0;
  for (const ManifestEntry* entry : entries_) {
    const auto found = cached_.find(entry->id);
    if (found == cached_.end()) continue;
    count += policy_ == ViewPolicy::kEvery ? std::min(views_, cache_->videos()[found->second].views) : 1;
  }
  return count;
}

int64_t OnlineClips::view_of(const ManifestEntry& entry, int64_t sample, int64_t epoch) const {
  if (policy_ == ViewPolicy::kFreshEveryEpoch) return epoch;
  return policy_ == ViewPolicy::kEvery ? sample % views_ : view_of_epoch(entry.id, epoch, views_);
}

int64_t OnlineClips::cached_place(const ManifestEntry& entry, int64_t view) const {
  const auto found = cached_.find(entry.id);
  return found == cached_.end() || view >= cache_->videos()[found->second].views ? -1 : found->second;
}

int64_t OnlineClips::shard_of(int64_t sample, int64_t epoch) const {
  const ManifestEntry& entry = *entries_.at(policy_ == ViewPolicy::kEvery ? sample / views_ : sample);
  const int64_t place = cached_place(entry, view_of(entry, sample, epoch));
  return place < 0 ? -1 : cache_->videos()[place].shard;
}

bool OnlineClips::read_cached(const ManifestEntry& entry, int64_t view, ClipRecord& record) const {
  const int64_t place = cached_place(entry, view);
  if (place < 0) return false;
  record = cache_->read(place, view);
  if (record.entry_crc32c != entry_checksum(entry)) {
    throw core::DataError(cache_->directory() + ": video " + entry.id +
                          " is another file than the manifest's: give the manifest of the cache, or build it again");
  }
  record.features = builder_.complete(record.pixels, record.features, cache_->key().selected_layers);
  return true;
}

ClipInfo OnlineClips::read_into(int64_t sample, int64_t epoch, uint8_t* pixels, uint8_t* coded) const {
  const ManifestEntry& entry = *entries_.at(policy_ == ViewPolicy::kEvery ? sample / views_ : sample);
  const int64_t view = view_of(entry, sample, epoch);
  at::set_num_threads(1);  // of this reader: there are others, and results must not depend on how many
  ClipRecord record;
  if (!read_cached(entry, view, record)) record = builder_.build_one(manifest_.root, entry, view);
  const std::vector<uint8_t> bytes = codec_->encode(record.features, entry.id);
  std::memcpy(coded, bytes.data(), bytes.size());
  const torch::Tensor frames = record.pixels.contiguous();
  std::memcpy(pixels, frames.const_data_ptr(), frames.nbytes());
  return {.target = targets_.of(manifest_.labels.index_of(entry.label), record.flipped),
          .video_id = entry.id,
          .view = view};
}

}  // namespace permafrost::data
