#include "data/loader/online_clips.h"

#include <algorithm>

#include "core/base/error.h"
#include "data/dataset/label_match.h"

namespace permafrost::data {

OnlineClips::OnlineClips(const ClipBuilder& builder, const Manifest& manifest, const std::string& split,
                         const LabelMap& labels)
    : builder_(builder), manifest_(manifest), labels_(labels), views_(views_of(builder.key(), split)) {
  for (const ManifestEntry& entry : manifest.entries) {
    if (!entry.is_ok() || entry.split != split) continue;
    require_class(entry.label, labels_);
    entries_.push_back(&entry);
  }
  if (entries_.empty()) throw core::DataError("the manifest has no usable video of the split '" + split + "'");
  std::sort(entries_.begin(), entries_.end(),
            [](const ManifestEntry* a, const ManifestEntry* b) { return a->id < b->id; });
}

Clip OnlineClips::read(int64_t sample, int64_t) const {
  const ManifestEntry& entry = *entries_.at(sample / views_);
  ClipRecord record = builder_.build_one(manifest_.root, entry, sample % views_);
  return {.pixels = record.pixels,
          .features = record.features,
          .target = require_class(record.label, labels_),
          .video_id = entry.id,
          .view = record.view};
}

}  // namespace permafrost::data
